"""Finds speech by its level over the noise of the room, so that no decoder hears silence."""

from __future__ import annotations

from collections import deque

import numpy as np

from .pcm import level_dbfs

WINDOW_S = 0.02
"""What `SpeechGate.process` takes at a time."""

PAUSE_S = 0.12
"""Quiet for so long is a pause. The closure of a stop consonant lasts up to 0.12 s."""

_ONSET_WINDOWS = 3
"""So many loud windows out of the newest five open the gate: a click is one or two."""

_FLOOR_WINDOWS = round(4.0 / WINDOW_S)
"""The floor is a low percentile of so much past; a steady noise closes the gate after that."""

_FLOOR_PERCENTILE = 5
_QUIETEST_FLOOR_DBFS = -68.0
"""Digital silence counts as this, or the faintest breath would be 50 dB over the floor."""

_UNSURE_FLOOR_DBFS = -45.0
"""The highest floor believed while less than `_SURE_WINDOWS` were heard: a caller may begin at once."""

_SURE_WINDOWS = round(1.5 / WINDOW_S)
_ONSET_OVER_FLOOR_DB = 11.0
_PAUSE_OVER_FLOOR_DB = (6.0, 14.0)
"""Between these, by the speaker's loudness: a loud voice's echo dies away above the floor."""

_PAUSE_SHARE = 0.3


class SpeechGate:
    """Open from the third loud window of a sound until `PAUSE_S` of quiet.

    Pure: time is counted in windows. Needs 10 ms of computing per minute of sound.
    """

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=_FLOOR_WINDOWS)
        self._recent: deque[bool] = deque(maxlen=5)
        self._peak_dbfs = _QUIETEST_FLOOR_DBFS
        self._quiet_windows = 0
        self._loud_windows = 0
        self._floor_dbfs = _QUIETEST_FLOOR_DBFS
        self._age = 0
        self.is_open = False
        self.is_loud = False
        """Whether the newest window was louder than a pause."""

    @property
    def loud_s(self) -> float:
        """How much of the sound since the gate opened or the count restarted was louder than a pause."""
        return self._loud_windows * WINDOW_S

    def restart_count(self) -> None:
        """Counts `loud_s` anew: what was heard so far is another segment's."""
        self._loud_windows = 0

    @property
    def floor_dbfs(self) -> float:
        return self._floor_dbfs

    def process(self, pcm: bytes) -> bool:
        """Takes `WINDOW_S` of mono PCM; returns whether the gate is open now."""
        level = max(level_dbfs(pcm), _QUIETEST_FLOOR_DBFS)
        self._levels.append(level)
        self._update_floor()
        if self.is_open:
            self._while_open(level)
        else:
            self._while_closed(level)
        return self.is_open

    def _while_closed(self, level: float) -> None:
        self.is_loud = level > self._floor_dbfs + _ONSET_OVER_FLOOR_DB
        self._recent.append(self.is_loud)
        if sum(self._recent) < _ONSET_WINDOWS:
            return
        self.is_open = True
        self._peak_dbfs = level
        self._quiet_windows = 0
        self._loud_windows = sum(self._recent)
        self._recent.clear()

    def _while_open(self, level: float) -> None:
        self._peak_dbfs = max(level, self._peak_dbfs - 0.1)  # a voice gets softer: 5 dB a second
        low, high = _PAUSE_OVER_FLOOR_DB
        over = min(high, max(low, _PAUSE_SHARE * (self._peak_dbfs - self._floor_dbfs)))
        self.is_loud = level > self._floor_dbfs + over
        if self.is_loud:
            self._quiet_windows = 0
            self._loud_windows += 1
        else:
            self._quiet_windows += 1
        self.is_open = self._quiet_windows * WINDOW_S < PAUSE_S

    def _update_floor(self) -> None:
        self._age += 1
        if self._age % 5 and self._age > 5:
            return  # ten times a second is enough
        floor = float(np.percentile(self._levels, _FLOOR_PERCENTILE))
        if self._age < _SURE_WINDOWS:
            floor = min(floor, _UNSURE_FLOOR_DBFS)
        self._floor_dbfs = floor
