"""Voice activity: what scores sound, window by window, and when the scores become speech."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class VoiceDetector(Protocol):
    """Scores the windows of one stream in order; what it remembers is that stream's."""

    def score(self, window: bytes) -> float:
        """Probability (0..1) that a window of mono int16 PCM holds speech."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechBounds:
    """When scores become speech, and when speech is over. Raises ValueError."""

    activation: float = 0.5
    """Speech begins at this score."""
    deactivation: float = 0.35
    """Speech that has begun goes on above this score."""
    least_speech_s: float = 0.05
    least_silence_s: float = 0.25
    """livekit refuses less together with a turn detector."""

    def __post_init__(self) -> None:
        if not 0 < self.deactivation <= self.activation < 1:
            raise ValueError("0 < deactivation <= activation < 1 is needed")
        if self.least_speech_s < 0 or self.least_silence_s < 0:
            raise ValueError("least_speech_s and least_silence_s cannot be negative")


class SpeechChange(Enum):
    STARTED = "started"
    ENDED = "ended"


@dataclass(slots=True)
class SpeechState:
    """Speech or silence, after the scores so far. Times are seconds of audio before now."""

    bounds: SpeechBounds = field(default_factory=SpeechBounds)
    is_speaking: bool = False
    likely_s: float = 0.0
    """How long the scores have been those of speech without a break."""
    unlikely_s: float = 0.0
    """The same of silence."""
    last_speech_s: float = 0.0
    """How long the speech lasted that ended last, its closing silence left out."""
    _state_s: float = 0.0

    @property
    def speech_s(self) -> float:
        """Since the speech in progress began, pauses in it included; 0 in silence."""
        return self._state_s if self.is_speaking else 0.0

    @property
    def silence_s(self) -> float:
        """Since the last speech ended, or since the beginning; 0 while somebody speaks."""
        return 0.0 if self.is_speaking else self._state_s

    def process(self, probability: float, window_s: float) -> SpeechChange | None:
        """Takes the next window's score; returns what it has changed."""
        bounds = self.bounds
        self._state_s += window_s
        threshold = bounds.deactivation if self.is_speaking else bounds.activation
        if probability >= threshold:
            self.likely_s, self.unlikely_s = self.likely_s + window_s, 0.0
        else:
            self.likely_s, self.unlikely_s = 0.0, self.unlikely_s + window_s
        if (
            not self.is_speaking
            and self.likely_s
            and _reached(self.likely_s, bounds.least_speech_s)
        ):
            self.is_speaking, self._state_s = True, self.likely_s
            return SpeechChange.STARTED
        if (
            self.is_speaking
            and self.unlikely_s
            and _reached(self.unlikely_s, bounds.least_silence_s)
        ):
            self.last_speech_s = max(0.0, self._state_s - self.unlikely_s)
            self.is_speaking, self._state_s = False, self.unlikely_s
            return SpeechChange.ENDED
        return None


def _reached(duration_s: float, least_s: float) -> bool:
    return duration_s >= least_s - 1e-6  # 25 windows of 0.01 s add up to a little less than 0.25
