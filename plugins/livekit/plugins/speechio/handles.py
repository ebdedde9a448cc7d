"""An engine as livekit's half sees it: asynchronous, wherever the model is.

`InProcess…` runs an engine's blocking steps on a thread of its own; the model server's client has the
same faces for a model in another process.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from livekit.plugins.speechcore import (
    DEFAULT_VOICING,
    EngineThread,
    Recogniser,
    RecogniserSession,
    SpeechChunk,
    Synthesiser,
    Transcript,
    Voicing,
)

OnUpdate = Callable[[Transcript], None]


class Listener(Protocol):
    """One caller's segment, heard by a recogniser. Every call has the deadline it was opened with."""

    async def accept(self, pcm: bytes) -> Transcript:
        """Takes mono int16 PCM at the recogniser's rate, returns the newest hypothesis.

        Raises what an engine raises: EngineError, EngineBusy, EngineTimeout.
        """
        ...

    async def finish(self) -> Transcript:
        """The final text of what was accepted; what comes next is a new segment."""
        ...

    def close(self) -> None:
        """Returns at once; harmless when repeated."""
        ...


class RecogniserHandle(Protocol):
    """A recogniser, in this process or in another."""

    @property
    def model(self) -> str: ...

    @property
    def sample_rate_hz(self) -> int: ...

    def listen(
        self, *, timeout_s: float, language: str | None = None, on_update: OnUpdate | None = None
    ) -> Listener:
        """`on_update` is called on the event loop with hypotheses that come between two calls."""
        ...

    def load(self) -> None:
        """Gets the model ready in the background; returns at once."""
        ...

    def close(self) -> None: ...


class SynthesiserHandle(Protocol):
    """A synthesiser, in this process or in another."""

    @property
    def model(self) -> str: ...

    @property
    def sample_rate_hz(self) -> int: ...

    def speak(
        self, text: str, voicing: Voicing = ..., *, timeout_s: float
    ) -> AsyncGenerator[SpeechChunk, None]:
        """Speech as it is made, each chunk within `timeout_s`; closing the generator stops it."""
        ...

    def close(self) -> None: ...


class InProcessRecogniser:
    """A `RecogniserHandle` over an engine of this process. `close()` closes the engine."""

    def __init__(self, engine: Recogniser, *, name: str) -> None:
        """`name`: of the threads."""
        self._engine = engine
        self._name = name

    @property
    def model(self) -> str:
        return self._engine.model

    @property
    def sample_rate_hz(self) -> int:
        return self._engine.sample_rate_hz

    def listen(
        self, *, timeout_s: float, language: str | None = None, on_update: OnUpdate | None = None
    ) -> InProcessListener:
        return InProcessListener(self._engine, timeout_s, language, self._name)

    def load(self) -> None:
        in_background(self._name, self._engine.load)

    def close(self) -> None:
        in_background(self._name, self._engine.close)


class InProcessListener:
    """A session on a thread of its own."""

    def __init__(
        self, engine: Recogniser, timeout_s: float, language: str | None, name: str
    ) -> None:
        self._engine = engine
        self._timeout_s = timeout_s
        self._language = language
        self._thread = EngineThread(f"{name}-stt")
        self._session: RecogniserSession | None = None

    async def accept(self, pcm: bytes) -> Transcript:
        return await self._thread.call(
            lambda: self._opened().accept(pcm), timeout_s=self._timeout_s
        )

    async def finish(self) -> Transcript:
        return await self._thread.call(lambda: self._opened().finish(), timeout_s=self._timeout_s)

    def close(self) -> None:
        """The session closes after the step in progress."""
        self._thread.submit(self._close_session)
        self._thread.close()

    def _opened(self) -> RecogniserSession:
        # Opened on the thread that closes it: one that opens after a cancellation is closed too.
        if self._session is None:
            self._session = self._engine.open(language=self._language)
        return self._session

    def _close_session(self) -> None:
        if self._session is not None:
            self._session.close()


class InProcessSynthesiser:
    """A `SynthesiserHandle` over an engine of this process. `close()` closes the engine."""

    def __init__(self, engine: Synthesiser, *, name: str) -> None:
        self._engine = engine
        self._thread = EngineThread(f"{name}-tts")

    @property
    def model(self) -> str:
        return self._engine.model

    @property
    def sample_rate_hz(self) -> int:
        return self._engine.sample_rate_hz

    def speak(
        self, text: str, voicing: Voicing = DEFAULT_VOICING, *, timeout_s: float
    ) -> AsyncGenerator[SpeechChunk, None]:
        return self._thread.iterate(self._engine.steps(text, voicing), timeout_s=timeout_s)

    def close(self) -> None:
        self._thread.submit(self._engine.close)
        self._thread.close()


def in_background(name: str, step: Callable[[], object]) -> None:
    """Runs a blocking step on a thread of its own that nobody waits for."""
    thread = EngineThread(f"{name}-engine")
    thread.submit(step)
    thread.close()
