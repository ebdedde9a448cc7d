"""What all stages of the chain share."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 24_000
"""Of the microphone, as livekit gives it to the agent."""

FRAME_SAMPLES = 240
"""10 ms: the chain takes whole frames only."""

FRAME_S = FRAME_SAMPLES / RATE_HZ
FULL_SCALE = 32768.0

Samples = NDArray[np.float32]
"""Mono, of int16's range: ±32768."""


class SoundStage(Protocol):
    """Takes a frame of `FRAME_SAMPLES` after the other and gives as many back, later by its delay."""

    @property
    def delay_samples(self) -> int: ...

    def process(self, samples: Samples) -> Samples: ...


def level_dbfs(samples: NDArray[np.floating]) -> float:
    """Root mean square of a frame; -120 for digital silence."""
    mean_square = float(np.dot(samples, samples)) / len(samples)
    return max(-120.0, 10 * math.log10(mean_square / FULL_SCALE**2 + 1e-30))


def amplitude(db: float) -> float:
    return float(10 ** (db / 20))


_RISE: Samples = np.linspace(0, 1, FRAME_SAMPLES + 1, dtype=np.float32)[1:]


def amplified(samples: Samples, start_db: float, end_db: float) -> Samples:
    """A frame under a gain that moves along a line to its end, so that frames join without a step;
    at 0 dB throughout, the frame itself."""
    end = amplitude(end_db)
    if start_db == end_db:
        return samples if end == 1.0 else samples * np.float32(end)
    start = amplitude(start_db)
    return samples * (np.float32(start) + _RISE * np.float32(end - start))
