"""What all stages of the chain share."""

from __future__ import annotations

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
    return max(-120.0, 10 * float(np.log10(mean_square / FULL_SCALE**2 + 1e-30)))


def amplitude(db: float) -> float:
    return float(10 ** (db / 20))


def ramp(start: float, end: float) -> Samples:
    """A frame of gains that ends at `end`, so that frames join without a step."""
    return np.linspace(start, end, FRAME_SAMPLES + 1, dtype=np.float32)[1:]
