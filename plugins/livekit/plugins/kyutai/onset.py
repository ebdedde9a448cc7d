"""The silence before a voice's first sound is left out. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from livekit.plugins.speechcore import BYTES_PER_SAMPLE, Word, duration_s

_SOUND_AMPLITUDE = 104
"""-50 dBFS: less is silence."""

_KEPT_S = 0.02


@dataclass
class Onset:
    """Sound comes in pieces; times are seconds from the first sample that came, and go out from the
    first one that was given."""

    rate_hz: int
    heard_s: float = 0.0
    """How much was given."""
    _left_out_s: float = 0.0
    _held: bytes = b""
    _has_sounded: bool = False
    _words: deque[Word] = field(default_factory=deque)

    def push(self, pcm: bytes) -> bytes:
        """What can be played now; nothing while there is only silence."""
        if not self._has_sounded:
            pcm = self._begin(self._held + pcm)
        self.heard_s += duration_s(pcm, self.rate_hz)
        return pcm

    def say(self, word: Word) -> None:
        self._words.append(word)

    def words(self, *, is_end: bool = False) -> list[Word]:
        """Those that have begun in what was given, or all that are left."""
        begun = []
        while self._words and (is_end or self._is_begun(self._words[0])):
            word = self._words.popleft()
            start_s, end_s = (
                max(0.0, at_s - self._left_out_s) for at_s in (word.start_s, word.end_s)
            )
            begun.append(Word(word.text, start_s, end_s))
        return begun

    def _begin(self, pcm: bytes) -> bytes:
        # Widened first: the size of -32768 does not fit its own type.
        samples = np.abs(np.frombuffer(pcm, dtype="<i2").astype(np.int32))
        loud = np.flatnonzero(samples > _SOUND_AMPLITUDE)
        self._has_sounded = bool(len(loud))
        kept = round(_KEPT_S * self.rate_hz)
        start = max(0, (int(loud[0]) if self._has_sounded else len(samples)) - kept)
        self._left_out_s += start / self.rate_hz
        rest = pcm[start * BYTES_PER_SAMPLE :]
        self._held = b"" if self._has_sounded else rest
        return rest if self._has_sounded else b""

    def _is_begun(self, word: Word) -> bool:
        return self._has_sounded and word.start_s - self._left_out_s <= self.heard_s
