"""How loud a voice is, and the gain that makes another one as loud. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .tts_quiet import WindowLevels

_WINDOW_S = 0.02
_SILENCE_DBFS = -50.0
_BELOW_SPEECH_DB = 20.0
"""Windows that much below the voice's level are pauses and do not count."""
_MEMORY_S = 8.0
"""Of speech: what is older has faded to a third."""

MOST_DB = 6.0
_SLEW_DB_PER_S = 6.0
_CEILING = 32_000.0


@dataclass
class SpeechLevel:
    """The running level of one voice's speech, pauses left out. Takes mono int16 PCM."""

    rate_hz: int
    _power: float = 0.0
    """Mean square, of full scale."""
    _heard_s: float = 0.0
    _windows: WindowLevels = field(init=False)

    def __post_init__(self) -> None:
        self._windows = WindowLevels(self.rate_hz, _WINDOW_S)

    @property
    def dbfs(self) -> float | None:
        """None until something was heard."""
        return 10 * math.log10(self._power) if self._heard_s else None

    def add(self, pcm: bytes) -> None:
        for window_dbfs in self._windows.process(pcm):
            self._add_window(window_dbfs)

    def _add_window(self, window_dbfs: float) -> None:
        level = self.dbfs
        if window_dbfs < _SILENCE_DBFS:
            return
        if level is not None and window_dbfs < level - _BELOW_SPEECH_DB:
            return
        self._heard_s = min(_MEMORY_S, self._heard_s + _WINDOW_S)
        weight = _WINDOW_S / self._heard_s
        self._power += weight * (10 ** (window_dbfs / 10) - self._power)


def matching_gain_db(reference_dbfs: float | None, voice_dbfs: float | None) -> float:
    """0 while one of the two is unknown; at most `MOST_DB` either way."""
    if reference_dbfs is None or voice_dbfs is None:
        return 0.0
    return min(MOST_DB, max(-MOST_DB, reference_dbfs - voice_dbfs))


@dataclass
class Gain:
    """Applied to a voice as it comes; begins where it should be and then moves slowly. Never clips."""

    rate_hz: int
    now_db: float | None = None

    def process(self, pcm: bytes, target_db: float) -> bytes:
        if not pcm:
            return pcm
        before_db = target_db if self.now_db is None else self.now_db
        samples = np.frombuffer(pcm, dtype=np.int16)
        most_db = _SLEW_DB_PER_S * len(samples) / self.rate_hz
        after_db = before_db + min(most_db, max(-most_db, target_db - before_db))
        self.now_db = after_db
        if before_db == after_db == 0.0:
            return pcm
        return self._scaled(samples, before_db, after_db)

    def _scaled(self, samples: NDArray[np.int16], before_db: float, after_db: float) -> bytes:
        ramp = np.linspace(_factor(before_db), _factor(after_db), len(samples))
        loudest = float(np.abs(samples.astype(np.int32)).max())
        if loudest:
            # Louder than can be: this piece gets what headroom there is, but is not made softer.
            ramp = np.minimum(ramp, max(1.0, _CEILING / loudest))
        scaled: NDArray[np.float64] = samples.astype(np.float64) * ramp
        pcm: bytes = np.clip(scaled.round(), -32768, 32767).astype(np.int16).tobytes()
        return pcm


def _factor(gain_db: float) -> float:
    return float(10 ** (gain_db / 20))
