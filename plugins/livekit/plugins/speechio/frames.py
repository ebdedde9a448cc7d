"""livekit audio frames to the mono PCM an engine wants."""

from __future__ import annotations

from livekit import rtc
from livekit.agents.utils import AudioBuffer
from livekit.plugins.speechcore import to_mono


class PcmResampler:
    """Mono PCM from one rate to another; keeps filter state, so one per stream."""

    def __init__(
        self,
        input_rate_hz: int,
        output_rate_hz: int,
        quality: rtc.AudioResamplerQuality = rtc.AudioResamplerQuality.MEDIUM,
    ) -> None:
        self._resampler = (
            None
            if input_rate_hz == output_rate_hz
            else rtc.AudioResampler(input_rate_hz, output_rate_hz, quality=quality)
        )

    def push(self, pcm: bytes) -> bytes:
        if self._resampler is None:
            return pcm
        return b"".join(bytes(frame.data) for frame in self._resampler.push(bytearray(pcm)))

    def flush(self) -> bytes:
        """The samples still in the filter."""
        if self._resampler is None:
            return b""
        return b"".join(bytes(frame.data) for frame in self._resampler.flush())


def mono_frame(frame: rtc.AudioFrame) -> rtc.AudioFrame:
    """The frame itself, or its channels' mean: livekit's stream resampler takes mono only."""
    if frame.num_channels == 1:
        return frame
    pcm = to_mono(bytes(frame.data), frame.num_channels)
    return rtc.AudioFrame(pcm, frame.sample_rate, 1, frame.samples_per_channel)


def frames_to_pcm(buffer: AudioBuffer, sample_rate_hz: int) -> bytes:
    """A whole recording as mono PCM at `sample_rate_hz`; frames must share one rate."""
    frames = buffer if isinstance(buffer, list) else [buffer]
    if not frames:
        return b""
    resampler = PcmResampler(frames[0].sample_rate, sample_rate_hz, rtc.AudioResamplerQuality.HIGH)
    pcm = [resampler.push(to_mono(bytes(frame.data), frame.num_channels)) for frame in frames]
    return b"".join([*pcm, resampler.flush()])
