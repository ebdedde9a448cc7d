"""A gain that brings a voice to the usual level, slowly, and a limiter behind it."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.sound.gate import Floor
from agent.sound.limiter import Limiter
from agent.sound.stage import FRAME_S, Samples, amplified, level_dbfs

TARGET_DBFS = -23.0
"""Of the loud frames of speech."""

MOST_DB = 15.0
LEAST_DB = -10.0

_VOICE_OVER_FLOOR_DB = 12.0
_QUIETEST_VOICE_DBFS = -55.0
_UP_DB_PER_S = 6.0
_DOWN_DB_PER_S = 20.0
_MEMORY_S = 0.5
_LEARNT_S = 0.3
"""Speech that is heard before the gain moves at all."""


@dataclass
class Gain:
    """One stream's. Moves only while a voice is heard, so that pauses are not lifted."""

    _floor: Floor = field(default_factory=Floor)
    _limiter: Limiter = field(default_factory=Limiter)
    _voice_dbfs: float | None = None
    _heard_s: float = 0.0
    _gain_db: float = 0.0

    @property
    def delay_samples(self) -> int:
        return self._limiter.delay_samples

    @property
    def gain_db(self) -> float:
        return self._gain_db

    def process(self, samples: Samples) -> Samples:
        frame_dbfs = level_dbfs(samples)
        is_voice = frame_dbfs > max(
            self._floor.seen(frame_dbfs) + _VOICE_OVER_FLOOR_DB, _QUIETEST_VOICE_DBFS
        )
        before = self._gain_db
        if is_voice:
            self._follow(frame_dbfs)
        return self._limiter.process(amplified(samples, before, self._gain_db))

    def _follow(self, frame_dbfs: float) -> None:
        self._heard_s += FRAME_S
        if self._voice_dbfs is None:
            self._voice_dbfs = frame_dbfs
        self._voice_dbfs += (frame_dbfs - self._voice_dbfs) * FRAME_S / _MEMORY_S
        if self._heard_s < _LEARNT_S:
            return
        wanted_db = min(MOST_DB, max(LEAST_DB, TARGET_DBFS - self._voice_dbfs))
        step_db = wanted_db - self._gain_db
        self._gain_db += min(_UP_DB_PER_S * FRAME_S, max(-_DOWN_DB_PER_S * FRAME_S, step_db))
