"""Engines for a model server that a test starts: their work is sleep, their words are counted.

What a text or a language says is what happens: see `DummyVoice` and `DummyEar`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence

from livekit.plugins.speechcore import (
    DEFAULT_VOICING,
    EngineBusy,
    EngineError,
    PartialSession,
    SpeechChunk,
    Transcript,
    Voicing,
    Word,
    duration_s,
)

STEP_SOUND_S = 0.05
"""Of speech that each step of the voice makes."""


class DummyVoice:
    """One step for each word. "hang" never ends, "fail" is an EngineError, "break" a foreign error,
    "die" ends the process; "odd" and "nan" give what is no sound and no time."""

    model = "dummy-voice"
    sample_rate_hz = 24_000

    def __init__(self, *, step_s: float = 0.0) -> None:
        self.step_s = step_s
        self.begun: list[str] = []
        """The words whose steps have begun, of all texts in their order."""
        self.given_up = 0
        """Texts that were closed before their end."""
        self.released = threading.Event()
        """Ends every step that hangs."""
        self.is_closed = False

    def steps(self, text: str, voicing: Voicing = DEFAULT_VOICING) -> Iterator[SpeechChunk]:
        try:
            for number, word in enumerate(text.split()):
                self.begun.append(word)
                yield self._speak(word, number * STEP_SOUND_S)
        except GeneratorExit:
            self.given_up += 1
            raise

    def close(self) -> None:
        self.is_closed = True

    def _speak(self, word: str, start_s: float) -> SpeechChunk:
        match word:
            case "hang":
                self.released.wait(30)
            case "fail":
                raise EngineError("the voice is hoarse: give it tea")
            case "break":
                raise RuntimeError(f"cannot say {word}")
            case "die":
                os._exit(9)
            case "odd":
                return SpeechChunk(b"abc")
            case "nan":
                return SpeechChunk(b"", (Word(word, float("nan"), 0.0),))
        time.sleep(self.step_s)
        pcm = bytes(2 * round(STEP_SOUND_S * self.sample_rate_hz))
        return SpeechChunk(pcm, (Word(word, start_s, start_s + STEP_SOUND_S),))


class DummyEar:
    """Hears a word in every tenth of a second. The language "none" is an EngineError at opening,
    "full" an EngineBusy; in "hang" a decode never ends, in "break" it raises."""

    model = "dummy-ear"
    sample_rate_hz = 16_000

    def __init__(self, *, step_s: float = 0.0, load_error: str = "") -> None:
        self.step_s = step_s
        self.load_error = load_error
        self.open_sessions = 0
        self.decodes = 0
        self.batches: list[int] = []
        """Sizes of the batches that were decoded."""
        self.released = threading.Event()
        self.is_closed = False

    def open(self, *, language: str | None = None) -> DummySession:
        if language == "none":
            raise EngineError("the ear knows no such language")
        if language == "full":
            raise EngineBusy("the ear is full")
        self.open_sessions += 1
        return DummySession(self, language)

    def load(self) -> None:
        if self.load_error:
            raise EngineError(self.load_error)

    def close(self) -> None:
        self.is_closed = True

    def decode_batch(self, sessions: Sequence[PartialSession]) -> list[Transcript]:
        self.batches.append(len(sessions))
        time.sleep(self.step_s)
        return [session.decode() for session in sessions]


class DummySession:
    """A PartialSession."""

    def __init__(self, owner: DummyEar, language: str | None) -> None:
        self._owner = owner
        self._language = language
        self._heard_s = 0.0
        self._decoded_s = 0.0
        self._in_use = threading.Lock()

    @property
    def is_due(self) -> bool:
        return self._heard_s - self._decoded_s >= 0.099

    def feed(self, pcm: bytes) -> None:
        with self._alone():
            self._heard_s += duration_s(pcm, self._owner.sample_rate_hz)

    def decode(self) -> Transcript:
        with self._alone():
            self._work()
            self._decoded_s = self._heard_s
            return self._transcript(is_settled=False)

    def accept(self, pcm: bytes) -> Transcript:
        self.feed(pcm)
        return self.decode() if self.is_due else self._transcript(is_settled=False)

    def finish(self) -> Transcript:
        with self._alone():
            self._work()
            transcript = self._transcript(is_settled=True)
            self._heard_s = self._decoded_s = 0.0
            return transcript

    def close(self) -> None:
        self._owner.open_sessions -= 1

    def _alone(self) -> _Alone:
        return _Alone(self._in_use)

    def _work(self) -> None:
        if self._language == "break":
            raise RuntimeError("no such tensor")
        if self._language == "hang":
            self._owner.released.wait(30)
        self._owner.decodes += 1
        time.sleep(self._owner.step_s)

    def _transcript(self, *, is_settled: bool) -> Transcript:
        count = round(self._heard_s * 10)
        words = tuple(Word(f"w{n}", n / 10, (n + 1) / 10) for n in range(count))
        return Transcript(" ".join(word.text for word in words), words, 1.0, is_settled)


class _Alone:
    """Fails where two threads use a session at the same time."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        assert self._lock.acquire(blocking=False), "two threads use one session"

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class PlainEar(DummyEar):
    """The same, but its sessions cannot hear without decoding."""

    def open(self, *, language: str | None = None) -> PlainSession:  # type: ignore[override]
        return PlainSession(super().open(language=language))


class PlainSession:
    def __init__(self, session: DummySession) -> None:
        self.accept = session.accept
        self.finish = session.finish
        self.close = session.close
