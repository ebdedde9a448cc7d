"""Small pure functions on int16 PCM."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

BYTES_PER_SAMPLE = 2
SILENCE_DBFS = -120.0
"""The level reported for digital silence, which has none."""


def duration_s(pcm: bytes, sample_rate_hz: int) -> float:
    """How long mono `pcm` plays, in seconds."""
    return len(pcm) / (BYTES_PER_SAMPLE * sample_rate_hz)


def from_floats(samples: NDArray[np.floating]) -> bytes:
    """int16 PCM of samples from -1 to 1; what is louder is clipped, what is no number is silence."""
    finite = np.nan_to_num(samples, posinf=1.0, neginf=-1.0)
    pcm: bytes = (np.clip(finite, -1.0, 1.0) * 32767).astype("<i2").tobytes()
    return pcm


def to_mono(pcm: bytes, num_channels: int) -> bytes:
    """The mean of interleaved channels."""
    if num_channels == 1:
        return pcm
    samples = np.frombuffer(pcm, dtype=np.int16).reshape(-1, num_channels)
    mean: NDArray[np.int16] = samples.mean(axis=1).astype(np.int16)
    return mean.tobytes()


def level_dbfs(pcm: bytes) -> float:
    """Root mean square level relative to full scale; `SILENCE_DBFS` for silence or no samples."""
    if not pcm:
        return SILENCE_DBFS
    samples = np.frombuffer(pcm, dtype=np.int16).astype(np.float32) / 32768.0
    mean_square = float(np.mean(samples * samples))
    return 10 * math.log10(mean_square) if mean_square > 0 else SILENCE_DBFS


class EdgeFader:
    """Fades the first and the last `fade_ms` of a stream of PCM chunks, so that edges do not click.

    Holds back `fade_ms` of audio until `finish()`, which returns it faded out.
    """

    def __init__(self, sample_rate_hz: int, fade_ms: float = 5.0) -> None:
        self._fade_samples = max(1, round(sample_rate_hz * fade_ms / 1000))
        self._faded_in_samples = 0
        self._held = np.zeros(0, dtype=np.int16)

    def process(self, pcm: bytes) -> bytes:
        """Returns what may be played now: the input, delayed by the fade's length."""
        samples = self._fade_in(np.frombuffer(pcm, dtype=np.int16))
        joined = np.concatenate([self._held, samples])
        ready = max(0, len(joined) - self._fade_samples)
        self._held = joined[ready:]
        return joined[:ready].tobytes()

    def finish(self) -> bytes:
        """Returns the rest, faded out, and starts anew."""
        gain = np.linspace(1.0, 0.0, len(self._held), dtype=np.float32)
        tail = (self._held * gain).astype(np.int16).tobytes()
        self._held = np.zeros(0, dtype=np.int16)
        self._faded_in_samples = 0
        return tail

    def _fade_in(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        done = self._faded_in_samples
        count = min(len(samples), self._fade_samples - done)
        if count <= 0:
            return samples
        gain = (np.arange(done, done + count, dtype=np.float32) + 1) / self._fade_samples
        faded = samples.copy()
        faded[:count] = (samples[:count] * gain).astype(np.int16)
        self._faded_in_samples += count
        return faded
