"""A voice's audio frames as the chain works with them, and what of them is no sound at all."""

from __future__ import annotations

import numpy as np
from livekit import rtc
from livekit.plugins.speechcore import BYTES_PER_SAMPLE, to_mono
from livekit.plugins.speechio import PcmResampler
from numpy.typing import NDArray

from .faults import GarbageError

_RATES_HZ = (8_000, 192_000)
_DC_SHARE = 0.5
_DC_RMS = 1000.0
"""Text taken for sound is far off the zero line: letters are positive numbers."""
_NOISE_RMS = 16_000.0
_NOISE_LIKENESS = 0.3
"""Sound whose bytes were shifted by one, or any other data, is louder than speech, and no sample is
like the one before."""


class SoundIntake:
    """Frames come in; mono int16 PCM at one rate comes out."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._source_rate_hz = 0
        self._resampler: PcmResampler | None = None

    def process(self, frame: rtc.AudioFrame) -> bytes:
        """By the frame's own rate, whatever the engine has promised. Raises GarbageError for what
        is no speech."""
        pcm = bytes(frame.data)
        _check(frame, pcm)
        rest = b""
        if self._resampler is None or frame.sample_rate != self._source_rate_hz:
            rest = self.flush()
            self._source_rate_hz = frame.sample_rate
            self._resampler = PcmResampler(frame.sample_rate, self._rate_hz)
        return rest + self._resampler.push(to_mono(pcm, frame.num_channels))

    def flush(self) -> bytes:
        """What is still in the resampler, at the end of a text."""
        resampler, self._resampler = self._resampler, None
        return resampler.flush() if resampler is not None else b""


def _check(frame: rtc.AudioFrame, pcm: bytes) -> None:
    lowest_hz, highest_hz = _RATES_HZ
    if not lowest_hz <= frame.sample_rate <= highest_hz or frame.num_channels < 1:
        raise GarbageError("gave audio of a format that does not exist")
    if len(pcm) != frame.samples_per_channel * frame.num_channels * BYTES_PER_SAMPLE:
        raise GarbageError("gave a piece of audio that is not as long as it says")
    samples = np.frombuffer(pcm, dtype=np.int16).astype(np.float32)
    if len(samples) >= frame.sample_rate // 100 and _is_no_sound(samples):
        raise GarbageError("gave something that is no sound")


def _is_no_sound(samples: NDArray[np.float32]) -> bool:
    power = float(np.mean(samples**2))
    is_text = power > _DC_RMS**2 and float(samples.mean()) ** 2 > _DC_SHARE**2 * power
    likeness = abs(float(np.mean(samples[1:] * samples[:-1])))
    is_noise = power > _NOISE_RMS**2 and likeness < _NOISE_LIKENESS * power
    return is_text or is_noise
