"""Where the model is that a setting names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from agent.engine_spec import EngineSpec
from agent.weights import Store, WeightsError

LLAMA = "llama_cpp"
"""The engine that has a server of its own kind."""


@dataclass(frozen=True, kw_only=True)
class LocalModel:
    """A model on this machine."""

    spec: EngineSpec
    """With its variant: `faster_whisper:base.en`; or with the path that was given."""
    path: Path
    """The folder of its files; the file itself for a GGUF that was given by its path."""


def locate(spec: EngineSpec, store: Store) -> LocalModel:
    """`spec` may name a variant, nothing (the engine's first model), or a path.

    Raises WeightsError with a sentence that says how to mend it.
    """
    if is_path(spec):
        path = Path(spec.model or "").expanduser()
        if not path.exists():
            raise WeightsError(f"{spec.name}: there is no model {path}; give the path of one.")
        return LocalModel(spec=spec, path=path)
    model = store.catalogue.model(str(spec))
    named = EngineSpec(name=spec.name, model=model.name.partition(":")[2])
    return LocalModel(spec=named, path=store.find(model.name))


def is_path(spec: EngineSpec) -> bool:
    """A model of the user's own: `faster_whisper:/models/mine`."""
    return (spec.model or "").startswith(("/", "~", "."))


def is_url(spec: EngineSpec) -> bool:
    """A server that runs already: `llama_cpp:http://127.0.0.1:8000`."""
    return urlsplit(spec.model or "").scheme in ("http", "https")


def gguf_of(model: LocalModel) -> Path:
    """The file that llama.cpp loads."""
    return model.path if model.path.is_file() else model.path / "model.gguf"
