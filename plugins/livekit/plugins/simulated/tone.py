"""A sine wave, made piece by piece."""

from __future__ import annotations

import numpy as np

_PEAK = 0.1 * 2**0.5
"""A sine of this peak has -20 dBFS."""


class Tone:
    """Mono int16 PCM of one frequency; the phase goes on from piece to piece."""

    def __init__(self, tone_hz: float, sample_rate_hz: int) -> None:
        self._radians_per_sample = 2 * np.pi * tone_hz / sample_rate_hz
        self._made_samples = 0

    def make(self, count_samples: int) -> bytes:
        positions = np.arange(self._made_samples, self._made_samples + count_samples)
        self._made_samples += count_samples
        wave = np.sin(positions * self._radians_per_sample) * (_PEAK * 32767)
        pcm: bytes = wave.astype("<i2").tobytes()
        return pcm
