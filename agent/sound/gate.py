"""A noise gate: what is hardly louder than the room is turned down, and never off."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.sound.stage import FRAME_S, Samples, amplified, level_dbfs

RANGE_DB = 12.0
"""How far it turns down: enough to part noise from speech, too little for digital silence."""

_OPEN_DB = 9.0
_CLOSE_DB = 6.0
"""Over the floor: it opens at the one and closes below the other."""

_HOLD_S = 0.2
_RELEASE_DB_PER_S = 80.0
"""It opens within a frame, holds through the gaps of a word, and closes in 0.15 s."""


@dataclass
class Floor:
    """The level of the room: falls at once, rises slowly, so that speech does not lift it."""

    dbfs: float | None = None
    _rise_db_per_s: float = 3.0
    _lowest_dbfs: float = -80.0

    def seen(self, frame_dbfs: float) -> float:
        """Takes a frame's level; the floor after it."""
        bounded = max(frame_dbfs, self._lowest_dbfs)
        if self.dbfs is None:
            self.dbfs = bounded
        self.dbfs = min(bounded, self.dbfs + self._rise_db_per_s * FRAME_S)
        return self.dbfs


@dataclass
class Gate:
    """One stream's; the gain moves along a line across each frame."""

    _floor: Floor = field(default_factory=Floor)
    _gain_db: float = 0.0
    _quiet_s: float = 0.0
    _is_open: bool = True

    @property
    def delay_samples(self) -> int:
        return 0

    def process(self, samples: Samples) -> Samples:
        frame_dbfs = level_dbfs(samples)
        over_db = frame_dbfs - self._floor.seen(frame_dbfs)
        self._is_open = over_db >= (_CLOSE_DB if self._is_open else _OPEN_DB)
        self._quiet_s = 0.0 if self._is_open else self._quiet_s + FRAME_S
        before, self._gain_db = self._gain_db, self._next_gain_db()
        return amplified(samples, before, self._gain_db)

    def _next_gain_db(self) -> float:
        if self._is_open:
            return 0.0
        if self._quiet_s <= _HOLD_S:
            return self._gain_db
        return max(-RANGE_DB, self._gain_db - _RELEASE_DB_PER_S * FRAME_S)
