"""A limiter that looks ahead: peaks are turned down before they come, nothing is clipped."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.sound.stage import FULL_SCALE, Samples, amplitude

CEILING_DBFS = -1.0

_AHEAD = 48
"""2 ms, in which the gain comes down along a line."""

_HOLD = 240
"""10 ms after a peak the gain stays down, so that it does not follow the waves of a deep voice."""

_BEFORE = _AHEAD - 1 + _HOLD + _AHEAD - 1


class Limiter:
    """One stream's. Below the ceiling the sound passes as it is, 2 ms later."""

    def __init__(self, ceiling_dbfs: float = CEILING_DBFS) -> None:
        self._ceiling = FULL_SCALE * amplitude(ceiling_dbfs)
        self._before = np.zeros(_BEFORE, dtype=np.float32)

    @property
    def delay_samples(self) -> int:
        return _AHEAD - 1

    def process(self, samples: Samples) -> Samples:
        """The least gain that any sample of the window needs, then its mean over `_AHEAD`: each of
        the gains whose mean a sample gets is low enough for that sample."""
        joined = np.concatenate([self._before, samples])
        self._before = joined[-_BEFORE:]
        delayed = joined[-len(samples) - self.delay_samples : -self.delay_samples]
        loudness = np.abs(joined)
        if loudness.max() <= self._ceiling:
            return delayed
        peaks = running_max(loudness, _AHEAD + _HOLD)
        gains = _means(self._ceiling / np.maximum(peaks, self._ceiling))
        return np.asarray(delayed * gains, dtype=np.float32)


def running_max(samples: Samples, width: int) -> Samples:
    """The maximum of each `width` neighbours, by doubling: the logarithm of `width` passes."""
    covered = 1
    while covered < width:
        step = min(covered, width - covered)
        samples = np.maximum(samples[step:], samples[:-step])
        covered += step
    return samples


def _means(gains: NDArray[np.floating]) -> NDArray[np.float64]:
    """Of each `_AHEAD` neighbours."""
    sums = np.concatenate([[0.0], np.cumsum(gains, dtype=np.float64)])
    return np.asarray((sums[_AHEAD:] - sums[:-_AHEAD]) / _AHEAD, dtype=np.float64)
