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
    language: str = ""
    """The language it is in, if the engine tells."""
    pause_score: float | None = None
    """Of a settled text: the model's own 0..1 that this pause is an end, if it has such a thing."""


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of synthesised speech."""

    pcm: bytes
    """Mono int16."""
    words: tuple[Word, ...] = ()
    """That begin in it, if the engine tells, as they are written, the blanks behind them included;
    times in seconds from the first sample of the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voicing:
    """How a text is to be spoken; None is the engine's default."""

    voice: str | None = None
    language: str | None = None
    speed: float = 1.0
    """1 is the voice's own pace, 2 twice as fast."""


DEFAULT_VOICING = Voicing()


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


class PartialSession(RecogniserSession, Protocol):
    """A session whose decoding is worth scheduling: hearing and decoding are apart.

    `accept(pcm)` is `feed(pcm)`, then `decode()` if `is_due`.
    """

    @property
    def is_due(self) -> bool:
        """Whether enough was heard since the last `decode()` for another to pay."""
        ...

    def feed(self, pcm: bytes) -> None:
        """Takes audio; microseconds."""
        ...

    def decode(self) -> Transcript:
        """The newest hypothesis; blocks while the model works."""
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

    def load(self) -> None:
        """Gets the model ready, if it is not; blocks. Raises EngineError."""
        ...

    def close(self) -> None: ...


class Synthesiser(Protocol):
    """A loaded speech synthesis model."""

    @property
    def model(self) -> str: ...

    @property
    def sample_rate_hz(self) -> int: ...

    def steps(self, text: str, voicing: Voicing = ...) -> Iterator[SpeechChunk]:
        """Yields speech as it is made; nothing for text that cannot be spoken.

        Closing the iterator ends the synthesis. Raises EngineError.
        """
        ...

    def close(self) -> None: ...
