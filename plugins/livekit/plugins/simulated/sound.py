"""Hears by energy alone when somebody makes a sound and when it is quiet again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

# A room's noise bed lies at -60 dBFS, speech at -30 to -15.
_LOWEST_THRESHOLD_DBFS = -50.0
_HIGHEST_THRESHOLD_DBFS = -30.0
_MARGIN_DB = 10.0
_EDGE_MARGIN_DB = 4.0
_FLOOR_RISE_DB_PER_S = 8.0
_ONSET_S = 0.03
_LOOK_BACK_S = 0.08
_QUIET_S = 0.12


@dataclass
class SoundDetector:
    """Fed with the level of one short frame after the other; times are seconds of audio.

    A sound has begun after 30 ms over the threshold, so that a click is none; it is over after
    120 ms under it. The threshold follows the noise floor, which rises slowly and falls at once:
    the dips between syllables keep it down, steady noise takes it up, at most
    so far that speech is still heard.
    """

    heard_s: float = 0.0
    is_sounding: bool = False
    onset_s: float = 0.0
    """Where the newest sound began."""
    last_loud_s: float = 0.0
    """Where the newest sound was last loud."""
    _floor_dbfs: float | None = None
    _loud_since_s: float | None = None
    _recent: deque[tuple[float, float]] = field(default_factory=deque)

    @property
    def quiet_s(self) -> float:
        """How long it has been quiet; 0.0 until there was a sound."""
        return self.heard_s - self.last_loud_s if self.last_loud_s else 0.0

    def process(self, level_dbfs: float, duration_s: float) -> bool:
        """Takes one frame; True when it makes a sound certain, which began at `onset_s`."""
        start_s = self.heard_s
        self.heard_s += duration_s
        self._follow_floor(level_dbfs, duration_s)
        self._recent.append((start_s, level_dbfs))
        while self._recent[0][0] < start_s - _LOOK_BACK_S - _ONSET_S:
            self._recent.popleft()
        if level_dbfs <= self._threshold_dbfs:
            self._loud_since_s = None
            if self.is_sounding and self.quiet_s >= _QUIET_S - 1e-9:
                self.is_sounding = False
            return False
        if self._loud_since_s is None:
            self._loud_since_s = start_s
        return self._take_loud_frame(self._loud_since_s)

    @property
    def _threshold_dbfs(self) -> float:
        if self._floor_dbfs is None:
            return _LOWEST_THRESHOLD_DBFS
        return self._floor_dbfs + _MARGIN_DB

    def _take_loud_frame(self, loud_since_s: float) -> bool:
        if self.is_sounding:
            self.last_loud_s = self.heard_s
            return False
        if self.heard_s - loud_since_s < _ONSET_S - 1e-9:
            return False
        self.is_sounding = True
        self.last_loud_s = self.heard_s
        self.onset_s = self._look_back(loud_since_s)
        return True

    def _look_back(self, loud_since_s: float) -> float:
        """Soft consonants come before the loud part: follows the rise back to where it began."""
        edge_dbfs = self._threshold_dbfs - _MARGIN_DB + _EDGE_MARGIN_DB
        onset_s = loud_since_s
        for start_s, level_dbfs in reversed(self._recent):
            if start_s >= loud_since_s:
                continue
            if level_dbfs <= edge_dbfs:
                break
            onset_s = start_s
        return onset_s

    def _follow_floor(self, level_dbfs: float, duration_s: float) -> None:
        floor_dbfs = level_dbfs
        if self._floor_dbfs is not None:
            floor_dbfs = min(level_dbfs, self._floor_dbfs + _FLOOR_RISE_DB_PER_S * duration_s)
        lowest, highest = _LOWEST_THRESHOLD_DBFS, _HIGHEST_THRESHOLD_DBFS
        self._floor_dbfs = min(max(floor_dbfs, lowest - _MARGIN_DB), highest - _MARGIN_DB)
