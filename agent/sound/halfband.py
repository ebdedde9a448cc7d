"""From 24 to 48 kHz and back, with a delay of a third of a millisecond each way.

A half-band filter of 31 taps. livekit's resampler is a better filter, but keeps back several
milliseconds and gives frames of unequal length.
"""

from __future__ import annotations

import numpy as np

from agent.sound.stage import Samples

_TAPS = 31
DELAY_SAMPLES = (_TAPS - 1) // 2
"""Of each way, at the double rate: of both together, at the single rate."""


def _half_band() -> Samples:
    """A windowed sinc that cuts at a quarter of the double rate; of gain 1."""
    places = np.arange(_TAPS) - DELAY_SAMPLES
    taps = np.sinc(places / 2) * np.kaiser(_TAPS, 6.0)
    return np.asarray(taps / taps.sum(), dtype=np.float32)


_FILTER = _half_band()


class _Filter:
    """The half-band filter over a stream."""

    def __init__(self) -> None:
        self._before = np.zeros(_TAPS - 1, dtype=np.float32)

    def process(self, samples: Samples) -> Samples:
        joined = np.concatenate([self._before, samples])
        self._before = joined[-(_TAPS - 1) :]
        return np.asarray(np.convolve(joined, _FILTER, "valid"), dtype=np.float32)


class Doubler:
    """Twice as many samples a second."""

    def __init__(self) -> None:
        self._filter = _Filter()

    def process(self, samples: Samples) -> Samples:
        spread = np.zeros(2 * len(samples), dtype=np.float32)
        spread[::2] = 2 * samples
        return self._filter.process(spread)


class Halver:
    """Half as many; takes an even number of samples."""

    def __init__(self) -> None:
        self._filter = _Filter()

    def process(self, samples: Samples) -> Samples:
        return np.ascontiguousarray(self._filter.process(samples)[::2])
