"""What a recogniser and a synthesiser are, whatever library is behind them.

Both work in *steps*: short blocking calls that an `EngineThread` runs off the event loop, so that a
cancelled call stops after the step in progress.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Word:
    """A recognised word; times in seconds from the first sample the session was given."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a session has heard so far."""

    text: str = ""
    words: tuple[Word, ...] = field(default=())
    confidence: float = 0.0
    """0..1; 0 when the engine does not tell."""
    is_settled: bool = False
    """The speaker pauses: `finish()` returns this very text unless more is said before."""


class RecogniserSession(Protocol):
    """The state of one caller's segment. Used by one thread at a time; closed by its owner."""

    def accept(self, pcm: bytes) -> Transcript:
        """Takes mono int16 PCM at the recogniser's rate, returns the newest hypothesis."""
        ...

    def finish(self) -> Transcript:
        """Decodes what is buffered, returns the segment's final text and starts a new segment."""
        ...

    def close(self) -> None:
        """Frees the session; harmless when repeated."""
        ...


class Recogniser(Protocol):
    """A loaded speech recognition model; sessions of several callers may be open at once."""

    @property
    def model(self) -> str: ...

    @property
    def sample_rate_hz(self) -> int: ...

    def open(self, *, language: str | None = None) -> RecogniserSession:
        """Raises EngineError for a language the model does not know, EngineBusy when full."""
        ...

    def close(self) -> None: ...


class Synthesiser(Protocol):
    """A loaded speech synthesis model."""

    @property
    def model(self) -> str: ...

    @property
    def sample_rate_hz(self) -> int: ...

    def steps(self, text: str) -> Iterator[bytes]:
        """Yields mono int16 PCM as it is made; nothing for text that cannot be spoken.

        Closing the iterator ends the synthesis. Raises EngineError.
        """
        ...

    def close(self) -> None: ...
