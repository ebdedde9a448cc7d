"""The models Parley knows: where their files are, at which revision, and what these must be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, StringConstraints, model_validator

from agent.weights.errors import UnknownWeights

__all__ = ["Catalogue", "File", "Model", "load_catalogue", "our_catalogue"]

OURS = Path(__file__).parent / "catalogue.yaml"

# No part begins with a dot: none leads out of the folder or meets the store's own files.
RelativePath = Annotated[str, StringConstraints(pattern=r"^\w[\w.-]*(/\w[\w.-]*)*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Revision = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class File(_Entry):
    """One file of a model, known to the last bit."""

    name: RelativePath
    """Path in the model's folder."""
    source: RelativePath
    """Path in the repository."""
    size_bytes: PositiveInt = Field(alias="size")
    sha256: Sha256


class Model(_Entry):
    """A model as settings name it, `engine:variant`."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z_]+:\w[\w.-]*$")]
    stage: Literal["stt", "llm", "tts"]
    licence: str
    languages: tuple[str, ...] = Field(min_length=1)
    """Two- or three-letter codes, the best one first."""
    extra: str
    """The extra of the distribution that brings the engine."""
    hub: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    """Repository on the Hugging Face hub, at the commit `revision`."""
    revision: Revision | None = None
    url: Annotated[str, StringConstraints(pattern=r"^https://")] | None = None
    """Folder on a web server, for what its makers publish elsewhere."""
    files: tuple[File, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_source(self) -> Model:
        if (self.hub is None) == (self.url is None):
            raise ValueError("give either hub and revision, or url")
        if (self.hub is None) != (self.revision is None):
            raise ValueError("a hub repository needs its revision, a url has none")
        return self

    @property
    def engine(self) -> str:
        return self.name.partition(":")[0]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    @property
    def source(self) -> str:
        """Where exactly its files come from."""
        return self.url or f"{self.hub}@{self.revision}"

    @property
    def origin(self) -> str:
        """The repository or the web server, for people."""
        return self.hub or urlsplit(self.url or "").netloc


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All models, and which of them a profile needs."""

    models: tuple[Model, ...]
    profiles: dict[str, tuple[str, ...]]

    def model(self, name: str) -> Model:
        """The model `engine:variant`; for `engine` alone its first. Raises UnknownWeights."""
        for model in self.models:
            if name in (model.name, model.engine):
                return model
        near = difflib.get_close_matches(name, [model.name for model in self.models], n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UnknownWeights(f"There are no weights {name!r}: {hint}`parley models` lists them.")

    def select(self, names: Iterable[str]) -> tuple[Model, ...]:
        """The models of profiles and models, each once. Raises UnknownWeights."""
        chosen: dict[str, Model] = {}
        for name in names:
            for model in map(self.model, self.profiles.get(name, (name,))):
                chosen[model.name] = model
        return tuple(chosen.values())

    def profiles_of(self, model: Model) -> tuple[str, ...]:
        """The profiles that need `model`."""
        return tuple(name for name, needs in self.profiles.items() if model.name in needs)


def load_catalogue(path: Path) -> Catalogue:
    """The catalogue in a YAML file; a mistake in it is a pydantic ValidationError or KeyError."""
    data = yaml.safe_load(path.read_text())
    models = tuple(_model(name, entry) for name, entry in data["models"].items())
    profiles = {name: tuple(needs) for name, needs in data["profiles"].items()}
    return Catalogue(models=models, profiles=profiles)


@cache
def our_catalogue() -> Catalogue:
    """The catalogue that comes with Parley."""
    return load_catalogue(OURS)


def _model(name: str, entry: dict[str, Any]) -> Model:
    files = [{"name": file, "source": file, **about} for file, about in entry["files"].items()]
    return Model.model_validate({**entry, "name": name, "files": files})
