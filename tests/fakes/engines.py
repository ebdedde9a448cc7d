"""Engines that do what a test wants: slow, failing, or well."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from livekit.plugins.simulated.tone import Tone
from livekit.plugins.speechcore import (
    DEFAULT_VOICING,
    SpeechChunk,
    Transcript,
    Voicing,
    Word,
    duration_s,
    level_dbfs,
)
from livekit.plugins.speechio import EngineTTS, InProcessSynthesiser

from .audio import SPEECH_DBFS

CHARACTERS_PER_S = 15.0


@dataclass
class FakeSynthesiser:
    """Speaks a tone in steps of 60 ms of audio, at an engine's own rate."""

    step_s: float = 0.0
    """How long a step blocks its thread."""
    errors: list[Exception] = field(default_factory=list)
    """Raised one after the other, each instead of the first step of a text."""
    model: str = "fake-voice"
    sample_rate_hz: int = 22_050
    steps_made: int = 0
    is_closed: bool = False
    released: threading.Event = field(default_factory=threading.Event)
    """Ends every blocking step at once."""

    def steps(self, text: str, voicing: Voicing = DEFAULT_VOICING) -> Iterator[SpeechChunk]:
        if self.errors:
            raise self.errors.pop(0)
        speakable = sum(character.isalnum() for character in text)
        tone = Tone(440, self.sample_rate_hz)
        left_samples = round(speakable / CHARACTERS_PER_S * self.sample_rate_hz)
        while left_samples > 0:
            self.released.wait(self.step_s)
            self.steps_made += 1
            count = min(left_samples, self.sample_rate_hz * 60 // 1000)
            left_samples -= count
            yield SpeechChunk(tone.make(count))

    def close(self) -> None:
        self.is_closed = True


def fake_tts(engine: FakeSynthesiser) -> EngineTTS:
    return EngineTTS(InProcessSynthesiser(engine, name="fake"), provider="fake")


@dataclass
class FakeRecogniser:
    """Hears one word in every sound; see FakeSession."""

    step_s: float = 0.0
    errors: list[Exception] = field(default_factory=list)
    model: str = "fake-ear"
    sample_rate_hz: int = 16_000
    steps_made: int = 0
    open_sessions: int = 0
    is_closed: bool = False
    released: threading.Event = field(default_factory=threading.Event)

    def open(self, *, language: str | None = None) -> FakeSession:
        self.open_sessions += 1
        return FakeSession(self)

    def load(self) -> None:
        """There is nothing to load."""

    def close(self) -> None:
        self.is_closed = True


class FakeSession:
    """Hears "sound" wherever it is loud, and settles on it in the quiet."""

    def __init__(self, owner: FakeRecogniser) -> None:
        self._owner = owner
        self._heard_s = 0.0
        self._words: list[Word] = []
        self._was_loud = False
        self._is_open = True

    def accept(self, pcm: bytes) -> Transcript:
        self._step()
        start_s = self._heard_s
        self._heard_s += duration_s(pcm, self._owner.sample_rate_hz)
        is_loud = level_dbfs(pcm) > SPEECH_DBFS - 15
        if is_loud and not self._was_loud:
            self._words.append(Word("sound", start_s, self._heard_s))
        self._was_loud = is_loud
        return self._transcript(is_settled=not is_loud)

    def finish(self) -> Transcript:
        self._step()
        transcript = self._transcript(is_settled=True)
        self._words.clear()
        self._was_loud = False
        return transcript

    def close(self) -> None:
        self._owner.open_sessions -= self._is_open
        self._is_open = False

    def _step(self) -> None:
        if self._owner.errors:
            raise self._owner.errors.pop(0)
        self._owner.released.wait(self._owner.step_s)
        self._owner.steps_made += 1

    def _transcript(self, *, is_settled: bool) -> Transcript:
        text = " ".join(word.text for word in self._words)
        return Transcript(text, tuple(self._words), 1.0, is_settled and bool(text))
