"""A Whisper that says how much it had heard when it gave a partial, so that its age can be measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from livekit.plugins.faster_whisper import FasterWhisperEngine, WhisperOptions
from livekit.plugins.speechcore import PartialSession, Transcript


def marked_whisper(**options: Any) -> MarkedWhisper:
    """`options`: of `WhisperOptions`."""
    return MarkedWhisper(FasterWhisperEngine(WhisperOptions(**options)))


class MarkedWhisper:
    """A partial's text is the number of samples its session had heard; a final text is a text."""

    def __init__(self, engine: FasterWhisperEngine) -> None:
        self._engine = engine
        self.model = engine.model
        self.sample_rate_hz = engine.sample_rate_hz
        self.load = engine.load
        self.close = engine.close

    def open(self, *, language: str | None = None) -> _MarkedSession:
        return _MarkedSession(self._engine.open(language=language))


class _MarkedSession:
    def __init__(self, session: PartialSession) -> None:
        self._session = session
        self._heard_samples = 0
        self._newest = Transcript()
        self.finish = session.finish
        self.close = session.close

    @property
    def is_due(self) -> bool:
        return self._session.is_due

    def feed(self, pcm: bytes) -> None:
        self._session.feed(pcm)
        self._heard_samples += len(pcm) // 2

    def decode(self) -> Transcript:
        found = self._session.decode()
        self._newest = replace(found, text=str(self._heard_samples) if found.text else "")
        return self._newest

    def accept(self, pcm: bytes) -> Transcript:
        self.feed(pcm)
        return self.decode() if self.is_due else self._newest
