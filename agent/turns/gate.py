"""When the caller speaks and when it is quiet, from a VAD's scores and the level of the sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

_ACTIVATION = 0.5
_DEACTIVATION = 0.35
_LEAST_SPEECH_S = 0.05
_PAUSE_S = 0.1
"""Silence after which the question whether the turn is over is open."""

_QUIET_PAUSE_S = 0.16
"""The same while the VAD, which smooths over some 120 ms, still believes in speech."""

_SOFT_END_S = 0.13
"""So long a sound still belongs to the speech before it, though the VAD does not take it for speech:
a voiceless or soft ending."""

_FLOOR_MARGIN_DB = 8.0
_FLOOR_RISE_DB_PER_S = 6.0
_PEAK_FALL_DB_PER_S = 10.0
_PEAK_MARGIN_DB = 28.0
_QUIETEST_DBFS = -58.0


class GateEvent(Enum):
    STARTED = "started"
    PAUSED = "paused"


@dataclass
class LevelTracker:
    """Is it loud? Over the floor of the room, and not far under the voice heard lately."""

    _floor_dbfs: float | None = None
    _peak_dbfs: float = -100.0

    def is_loud(self, level_dbfs: float, duration_s: float, *, is_voice: bool) -> bool:
        """Takes the level of the next piece of sound. A voice, however steady, is no floor."""
        level_dbfs = max(level_dbfs, _QUIETEST_DBFS)
        if self._floor_dbfs is None or level_dbfs < self._floor_dbfs:
            self._floor_dbfs = level_dbfs
        elif not is_voice:
            self._floor_dbfs = min(level_dbfs, self._floor_dbfs + _FLOOR_RISE_DB_PER_S * duration_s)
        self._peak_dbfs = max(level_dbfs, self._peak_dbfs - _PEAK_FALL_DB_PER_S * duration_s)
        threshold = max(self._floor_dbfs + _FLOOR_MARGIN_DB, self._peak_dbfs - _PEAK_MARGIN_DB)
        return level_dbfs > threshold


@dataclass
class SpeechGate:
    """Fed with each VAD window. Times are seconds of audio."""

    heard_s: float = 0.0
    is_speaking: bool = False
    started_s: float = 0.0
    """Where the newest speech began."""
    last_sound_s: float = 0.0
    """Where the newest speech was last loud: the end of speech, as well as it is known."""
    peak_dbfs: float = -100.0
    """The loudest piece of the newest speech."""
    _levels: LevelTracker = field(default_factory=LevelTracker)
    _speech_s: float = 0.0
    _unlikely_s: float = 0.0

    @property
    def silence_s(self) -> float:
        """Since the caller's last sound."""
        return self.heard_s - self.last_sound_s

    @property
    def is_stirring(self) -> bool:
        """Speaking, or beginning to: a sound too short yet to be called speech."""
        return self.is_speaking or self._speech_s > 0

    @property
    def speech_s(self) -> float:
        """How long the newest speech has lasted, its last silence left out."""
        return max(0.0, self.last_sound_s - self.started_s)

    def process(
        self, probability: float, levels_dbfs: Sequence[float], window_s: float
    ) -> GateEvent | None:
        """Takes one window: the VAD's score, and the levels of equal pieces of it."""
        start_s = self.heard_s
        piece_s = window_s / len(levels_dbfs)
        is_likely = probability >= (_DEACTIVATION if self.is_speaking else _ACTIVATION)
        loud = [self._levels.is_loud(it, piece_s, is_voice=is_likely) for it in levels_dbfs]
        self.heard_s += window_s
        self._unlikely_s = 0.0 if is_likely else self._unlikely_s + window_s
        is_tail = self.is_speaking and self._unlikely_s <= _SOFT_END_S
        if (is_likely or is_tail) and any(loud):
            last = max(index for index, is_loud in enumerate(loud) if is_loud)
            self._sounded(start_s, start_s + (last + 1) * piece_s, window_s)
            self.peak_dbfs = max(self.peak_dbfs, *levels_dbfs)
        if self.is_speaking:
            return self._pause()
        if not is_likely:
            self._speech_s = 0.0
        return self._start()

    def _sounded(self, start_s: float, end_s: float, window_s: float) -> None:
        if not self.is_speaking and self._speech_s == 0:
            self.started_s = start_s
            self.peak_dbfs = -100.0
        self._speech_s += window_s
        self.last_sound_s = end_s

    def _start(self) -> GateEvent | None:
        if self._speech_s < _LEAST_SPEECH_S:
            return None
        self.is_speaking = True
        return GateEvent.STARTED

    def _pause(self) -> GateEvent | None:
        if self.silence_s < (_PAUSE_S if self._unlikely_s else _QUIET_PAUSE_S):
            return None
        self.is_speaking = False
        self._speech_s = 0.0
        return GateEvent.PAUSED
