"""Where speech is quiet: between its words, at its edges, and within some of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from livekit.plugins.speechcore import BYTES_PER_SAMPLE

WINDOW_S = 0.01
_SILENCE_DBFS = -50.0
_BELOW_SPEECH_DB = 22.0
_LOUD_PERCENTILE = 80
_MEMORY = 300
"""Windows: three seconds of sound tell how loud the voice is."""

LONG_S = 0.15
"""No consonant is quiet for so long: that is a pause between words."""


class WindowLevels:
    """Mono int16 PCM comes in pieces; the level of each whole window comes out, in dBFS."""

    def __init__(self, rate_hz: int, window_s: float) -> None:
        self._window_samples = round(rate_hz * window_s)
        self._rest = b""

    def process(self, pcm: bytes) -> list[float]:
        pcm = self._rest + pcm
        whole_bytes = len(pcm) - len(pcm) % (self._window_samples * BYTES_PER_SAMPLE)
        self._rest = pcm[whole_bytes:]
        if not whole_bytes:
            return []
        samples = np.frombuffer(pcm[:whole_bytes], dtype=np.int16).astype(np.float32) / 32768.0
        powers = np.mean(samples.reshape(-1, self._window_samples) ** 2, axis=1)
        levels_dbfs: list[float] = (10 * np.log10(np.maximum(powers, 1e-12))).tolist()
        return levels_dbfs


@dataclass(frozen=True, slots=True)
class Quiet:
    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s

    @property
    def is_long(self) -> bool:
        return self.length_s >= LONG_S - WINDOW_S / 2


@dataclass
class Loudness:
    """Of one voice speaking one text; takes its mono int16 PCM as it comes. Places in seconds."""

    rate_hz: int
    _levels: list[float] = field(default_factory=list)
    _sound: list[float] = field(default_factory=list)
    onset_s: float | None = None
    """Where the first sound is."""
    sound_end_s: float = 0.0
    """Where the last one ends."""
    _windows: WindowLevels = field(init=False)

    def __post_init__(self) -> None:
        self._windows = WindowLevels(self.rate_hz, WINDOW_S)

    @property
    def heard_s(self) -> float:
        return len(self._levels) * WINDOW_S

    def add(self, pcm: bytes) -> None:
        for level_dbfs in self._windows.process(pcm):
            self._add_window(level_dbfs)

    def quiets(self, from_s: float, to_s: float) -> list[Quiet]:
        """The stretches between two places that are much softer than the voice, in order."""
        limit = self._limit_dbfs()
        found: list[Quiet] = []
        start: int | None = None
        first, end = round(from_s / WINDOW_S), min(round(to_s / WINDOW_S), len(self._levels))
        for at in range(first, end):
            if self._levels[at] < limit:
                start = at if start is None else start
            elif start is not None:
                found.append(Quiet(start * WINDOW_S, at * WINDOW_S))
                start = None
        if start is not None:
            found.append(Quiet(start * WINDOW_S, end * WINDOW_S))
        return found

    def softest(self, from_s: float, to_s: float) -> Quiet | None:
        """The softest window between two places."""
        first, end = round(from_s / WINDOW_S), min(round(to_s / WINDOW_S), len(self._levels))
        if first >= end:
            return None
        at = min(range(first, end), key=self._levels.__getitem__)
        return Quiet(at * WINDOW_S, (at + 1) * WINDOW_S)

    def ends_in_quiet(self, length_s: float) -> bool:
        count = round(length_s / WINDOW_S)
        limit = self._limit_dbfs()
        return len(self._levels) >= count and all(x < limit for x in self._levels[-count:])

    def _add_window(self, window_dbfs: float) -> None:
        self._levels.append(window_dbfs)
        if window_dbfs < _SILENCE_DBFS:
            return
        if self.onset_s is None:
            self.onset_s = (len(self._levels) - 1) * WINDOW_S
        self.sound_end_s = len(self._levels) * WINDOW_S
        self._sound.append(window_dbfs)

    def _limit_dbfs(self) -> float:
        if not self._sound:
            return _SILENCE_DBFS
        loud = float(np.percentile(self._sound[-_MEMORY:], _LOUD_PERCENTILE))
        return max(_SILENCE_DBFS, loud - _BELOW_SPEECH_DB)
