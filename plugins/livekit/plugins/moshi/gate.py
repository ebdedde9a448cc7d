"""Cuts the model's sound, which never stops, into what it says: by level against its own silence.

Pure. livekit's own gates either know the silence beforehand, or learn it only while they are shut,
and then stay open for good where digital silence comes first and the model's own noise after it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

_QUIETEST_DBFS, _LOUDEST_DBFS = -60.0, -47.0
"""Between these the silence is taken to be."""

_OPENS_DB, _CLOSES_DB = 10.0, 5.0
"""Above the silence."""

_STRETCH_S = 0.5
_STRETCHES = 40
"""The silence is the quietest stretch of the last twenty seconds."""


@dataclass
class SpeechGate:
    """Open from the first loud frame until it has been quiet for `min_silence_s`."""

    min_silence_s: float = 0.5
    is_open: bool = False
    _quiet_s: float = 0.0
    _levels: deque[float] = field(default_factory=lambda: deque(maxlen=_STRETCHES))
    _sum: float = 0.0
    _sum_s: float = 0.0

    @property
    def silence_dbfs(self) -> float:
        """What the model's silence is taken to be."""
        return min(min(self._levels, default=_QUIETEST_DBFS), _LOUDEST_DBFS)

    def process(self, level_dbfs: float, duration_s: float) -> bool:
        """Whether a frame of this level belongs to speech."""
        self._learn(level_dbfs, duration_s)
        if not self.is_open:
            self.is_open = level_dbfs > self.silence_dbfs + _OPENS_DB
            self._quiet_s = 0.0
        elif level_dbfs < self.silence_dbfs + _CLOSES_DB:
            self._quiet_s += duration_s
            self.is_open = self._quiet_s < self.min_silence_s
        else:
            self._quiet_s = 0.0
        return self.is_open

    def close(self) -> None:
        """Ends what is being said; what was learnt of the silence is kept."""
        self.is_open = False
        self._quiet_s = 0.0

    def _learn(self, level_dbfs: float, duration_s: float) -> None:
        self._sum += max(level_dbfs, _QUIETEST_DBFS) * duration_s
        self._sum_s += duration_s
        if self._sum_s >= _STRETCH_S:
            self._levels.append(self._sum / self._sum_s)
            self._sum = self._sum_s = 0.0
