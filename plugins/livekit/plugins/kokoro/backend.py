"""What both of Kokoro's libraries do for the engine, and how they are found."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from livekit.plugins.speechcore import EngineError
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 24_000
MAX_PHONEMES = 510
"""What the model takes at once."""

STYLE_SHAPE = (1, 256)
"""Of a voice, for one number of phonemes."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sound:
    """Phonemes as the model spoke them, silence at the edges included."""

    samples: Samples
    edges: NDArray[np.int64] | None
    """The sample at which each phoneme begins, and the one at which the last ends; None when the
    model does not tell."""


class Backend(Protocol):
    """One way to run the model. All calls block; `load()` comes before the others. Several threads
    may use it at once. The model goes with the last reference to it."""

    @property
    def model(self) -> str: ...

    @property
    def languages(self) -> Sequence[str]:
        """Those it can find the phonemes of."""
        ...

    @property
    def voices(self) -> Sequence[str]: ...

    def load(self) -> None:
        """Harmless when repeated. Raises EngineError with what is missing and how to get it."""
        ...

    def phonemes(self, text: str, language: str) -> str:
        """Only such as the model knows, words apart by single blanks."""
        ...

    def speak(self, phonemes: str, voice: str, speed: float) -> Sound:
        """For at most MAX_PHONEMES, of which one at least is a letter's."""
        ...


def import_library(name: str, *, extra: str) -> Any:
    """A library that comes with an extra. Raises EngineError with the extra's name."""
    try:
        return importlib.import_module(name)
    except ImportError as e:
        raise EngineError(
            f"{name} is not installed, or not whole: pip install 'parley-agent[{extra}]'"
        ) from e
