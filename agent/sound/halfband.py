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


FILTER = _half_band()
_MIDDLE, _SIDES = FILTER[DELAY_SAMPLES], FILTER[::2]
"""All others are zero. So of each two samples of the double rate one meets the sides, the other the
middle; the sides are the same from either end."""

_HALF_BEFORE = len(_SIDES) - 1


class Doubler:
    """Twice as many samples a second."""

    def __init__(self) -> None:
        self._before = np.zeros(_HALF_BEFORE, dtype=np.float32)

    def process(self, samples: Samples) -> Samples:
        joined = np.concatenate([self._before, 2 * samples])
        self._before = joined[-_HALF_BEFORE:]
        doubled = np.empty(2 * len(samples), dtype=np.float32)
        doubled[::2] = np.correlate(joined, _SIDES, "valid")
        doubled[1::2] = _MIDDLE * joined[len(_SIDES) // 2 :][: len(samples)]
        return doubled


class Halver:
    """Half as many; takes an even number of samples."""

    def __init__(self) -> None:
        self._before = np.zeros(2 * _HALF_BEFORE, dtype=np.float32)

    def process(self, samples: Samples) -> Samples:
        joined = np.concatenate([self._before, samples])
        self._before = joined[-2 * _HALF_BEFORE :]
        middle = joined[DELAY_SAMPLES::2][: len(samples) // 2]
        sides = np.correlate(joined[::2], _SIDES, "valid")
        return np.asarray(sides + _MIDDLE * middle, dtype=np.float32)
