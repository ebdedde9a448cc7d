"""Pure functions on the library's PCM: an even level and no silence at the edges."""

from __future__ import annotations

import math

import numpy as np
from livekit.plugins.speechcore.pcm import SILENCE_DBFS
from numpy.typing import NDArray

_KNEE = 0.7
"""Samples below this share of full scale are left as they are; those above are bent, not cut."""

_SOUND_AMPLITUDE = 104
"""-50 dBFS: less is silence."""


def speech_level_dbfs(pcm: bytes, sample_rate_hz: int) -> float:
    """The level of the speech in mono `pcm`, pauses left out; SILENCE_DBFS if there is none."""
    frame_samples = sample_rate_hz // 50
    samples = np.frombuffer(pcm, dtype=np.int16).astype(np.float64) / 32768
    frames = samples[: len(samples) // frame_samples * frame_samples].reshape(-1, frame_samples)
    if not len(frames):
        return SILENCE_DBFS
    power = np.mean(frames * frames, axis=1)
    spoken = power[power > max(power.max() / 1000, 1e-8)]
    return 10 * math.log10(float(spoken.mean())) if len(spoken) else SILENCE_DBFS


def amplify(pcm: bytes, gain: float) -> bytes:
    """Multiplies by `gain` and bends peaks so that none reaches full scale.

    Has no memory: a border between two chunks is as smooth as it was.
    """
    samples = np.frombuffer(pcm, dtype=np.int16).astype(np.float32) * (gain / 32768)
    size = np.abs(samples)
    bent = _KNEE + (1 - _KNEE) * np.tanh((size - _KNEE) / (1 - _KNEE))
    limited = np.where(size > _KNEE, np.copysign(bent, samples), samples)
    return bytes((limited * 32767).astype(np.int16).tobytes())


class SilenceTrimmer:
    """Shortens the silence before the first and after the last sound of a stream of PCM.

    Silence is held back until sound follows it, so pauses inside come through whole.
    """

    def __init__(
        self, sample_rate_hz: int, *, keep_before_ms: float = 10, keep_after_ms: float = 200
    ) -> None:
        self._keep_before_samples = round(sample_rate_hz * keep_before_ms / 1000)
        self._keep_after_samples = round(sample_rate_hz * keep_after_ms / 1000)
        self._held: NDArray[np.int16] = np.zeros(0, dtype=np.int16)
        self._has_sounded = False

    def process(self, pcm: bytes) -> bytes:
        """What may be played now; empty while there is only silence."""
        samples = np.concatenate([self._held, np.frombuffer(pcm, dtype=np.int16)])
        # Widened first: the size of -32768 does not fit its own type.
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _SOUND_AMPLITUDE)
        if not len(loud):
            keep = len(samples) if self._has_sounded else self._keep_before_samples
            self._held = samples[max(0, len(samples) - keep) :]
            return b""
        start = 0 if self._has_sounded else max(0, int(loud[0]) - self._keep_before_samples)
        end = int(loud[-1]) + 1
        self._has_sounded = True
        self._held = samples[end:]
        return samples[start:end].tobytes()

    def finish(self) -> bytes:
        """The silence to end with; nothing if there was never a sound."""
        return self._held[: self._keep_after_samples].tobytes() if self._has_sounded else b""
