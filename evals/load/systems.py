"""The systems whose load is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from evals.ear.scenario import Conditions
from evals.ear.systems import System, SystemFailed, choose
from tests.stack.caller import join_token
from tests.stack.processes import KEYS

LOCAL = "parley_local"
COMPARED = ("parley", "stock_v1_mini")
"""With the same stages."""
NAMES = (*COMPARED, "parley_embedded", LOCAL)
_NEEDED = ("faster_whisper", "kokoro_onnx", "xllamacpp", "gguf", "onnx")
_TALKED_OVER_S = 2.5
"""The generated language model never ends by itself."""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A system with what its callers must know."""

    system: System
    listens_s: float | None = None
    """So long an answer is listened to before it is talked over; None for to its end."""
    about: str = ""
    """What a reader of its figures must know."""

    @property
    def name(self) -> str:
        return self.system.name

    def token(self) -> str:
        """For one caller, in a room of their own."""
        if self.name == LOCAL:
            return token_for_own_models(self.system)
        return self.system.token(self.system.new_room(), Conditions())


def token_for_own_models(system: System) -> str:
    """For one caller, in a room of their own: a call that named a profile would get that profile's models."""
    keys = (KEYS.api_key, KEYS.api_secret)
    return join_token(*keys, system.new_room(), "caller", system.label, '{"greeting": ""}')


def choose_loaded(names: Sequence[str], folder: Path) -> list[Loaded]:
    """`folder` keeps the models that are made. Raises SystemFailed."""
    return [_local(folder) if name == LOCAL else _plain(name) for name in names]


def why_not_local() -> str:
    """What is missing for the local engines on generated models; empty when nothing is."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    return f"{', '.join(missing)} is not installed: run `make setup LOCAL=1`" if missing else ""


def _plain(name: str) -> Loaded:
    return Loaded(system=choose(name, "normal"))


def _local(folder: Path) -> Loaded:
    if missing := why_not_local():
        raise SystemFailed(f"{LOCAL} cannot be had: {missing}")
    from evals.engines.memory import local_system

    return Loaded(
        system=local_system(folder),
        listens_s=_TALKED_OVER_S,
        about="Whisper has the architecture of tiny; the language model and the voice are small "
        "ones made for tests, whose cost is not that of real ones",
    )
