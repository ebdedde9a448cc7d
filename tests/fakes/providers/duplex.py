"""A model that hears and speaks at once, as far as turns go: a step of 80 ms in, one out. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle

import numpy as np
from livekit.plugins.speechcore import level_dbfs

from .voices import PROMISED_RATE_HZ, Voice, tone_voice

STEP_S = 0.08
STEP_BYTES = round(STEP_S * PROMISED_RATE_HZ) * 2
NOISE_DBFS = -66.0
"""Of its silence: a codec's is never digital."""

_LOUD_DBFS = -40.0


@dataclass
class DuplexMind:
    """Answers when the caller has been quiet, and stops when the caller goes on speaking."""

    replies: tuple[str, ...]
    """In turn, and over again."""
    greeting: str = ""
    """Said by itself, after half a second."""
    voice: Voice = tone_voice
    patience_s: float = 0.24
    """Of quiet after speech, until it answers."""
    yields_s: float = 0.24
    """Of speech over its own, until it stops."""
    heard: bytearray = field(default_factory=bytearray)
    """All the sound it was given."""
    said: list[str] = field(default_factory=list)
    """The words whose sound it began to give."""
    yielded: int = 0
    """How often it stopped for the caller."""
    _speech: bytes = b""
    _words: list[tuple[int, str]] = field(default_factory=list)
    _at: int = 0
    _loud_s: float = 0.0
    _quiet_s: float = 0.0
    _has_heard: bool = False

    def __post_init__(self) -> None:
        self._next_reply: Iterator[str] = cycle(self.replies)
        noise = np.random.default_rng(1).standard_normal(STEP_BYTES // 2)
        self._silence = (noise * 32768 * 10 ** (NOISE_DBFS / 20)).astype("<i2")

    @property
    def is_speaking(self) -> bool:
        return self._at < len(self._speech)

    def step(self, pcm: bytes) -> tuple[bytes, list[str]]:
        """Takes 80 ms of the caller; gives 80 ms of its own and the words that begin in them."""
        self.heard += pcm
        self._listen(level_dbfs(pcm) > _LOUD_DBFS)
        if self.greeting and len(self.heard) >= STEP_BYTES * 6:
            self._say(self.greeting)
            self.greeting = ""
        end = self._at + STEP_BYTES
        part = np.frombuffer(self._speech[self._at : end], "<i2")
        words = [word for at, word in self._words if self._at <= at < end]
        self._at = end
        self.said += words
        out = self._silence.copy()
        out[: len(part)] += part
        return out.tobytes(), words

    def _listen(self, is_loud: bool) -> None:
        self._loud_s = self._loud_s + STEP_S if is_loud else 0.0
        self._quiet_s = 0.0 if is_loud else self._quiet_s + STEP_S
        self._has_heard = self._has_heard or self._loud_s > STEP_S
        if self.is_speaking and self._loud_s >= self.yields_s:
            self._speech = b""
            self._words.clear()
            self.yielded += 1
        elif self._has_heard and self._quiet_s >= self.patience_s and not self.is_speaking:
            self._has_heard = False
            self._say(next(self._next_reply))

    def _say(self, text: str) -> None:
        spoken = self.voice(text, PROMISED_RATE_HZ)
        self._speech, self._at = spoken.pcm, 0
        self._words = [
            (round(word.start_s * PROMISED_RATE_HZ) * 2, f" {word.text.strip()}")
            for word in spoken.words
        ]
