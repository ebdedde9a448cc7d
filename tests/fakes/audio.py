"""Made sounds: what a microphone hears of somebody who speaks now and then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from livekit import rtc
from numpy.typing import NDArray

BED_DBFS = -60.0
SPEECH_DBFS = -20.0


def noise(duration_s: float, dbfs: float, rate_hz: int, *, seed: int = 0) -> bytes:
    """White noise as mono int16 PCM; -inf dBFS is digital silence."""
    count_samples = round(duration_s * rate_hz)
    wave = np.random.default_rng(seed).standard_normal(count_samples) * 10 ** (dbfs / 20)
    return _to_pcm(wave)


def speech_like(
    total_s: float,
    spans: Sequence[tuple[float, float]],
    rate_hz: int,
    *,
    bed_dbfs: float = BED_DBFS,
    speech_dbfs: float = SPEECH_DBFS,
) -> bytes:
    """Noise at the level of speech in `spans` (seconds), a noise bed all the time."""
    random = np.random.default_rng(1)
    count_samples = round(total_s * rate_hz)
    wave = random.standard_normal(count_samples) * 10 ** (bed_dbfs / 20)
    for start_s, end_s in spans:
        part = slice(round(start_s * rate_hz), round(end_s * rate_hz))
        wave[part] += random.standard_normal(len(wave[part])) * 10 ** (speech_dbfs / 20)
    return _to_pcm(wave)


def frames(
    pcm: bytes, rate_hz: int, *, num_channels: int = 1, frame_ms: int = 50
) -> Iterator[rtc.AudioFrame]:
    """Cuts mono PCM into frames; every channel is the same."""
    step_bytes = 2 * (rate_hz * frame_ms // 1000)
    for start in range(0, len(pcm), step_bytes):
        samples = np.frombuffer(pcm[start : start + step_bytes], dtype=np.int16)
        interleaved = np.repeat(samples, num_channels).tobytes()
        yield rtc.AudioFrame(interleaved, rate_hz, num_channels, len(samples))


def to_samples(heard: Sequence[rtc.AudioFrame]) -> NDArray[np.int16]:
    """All samples of mono frames."""
    return np.frombuffer(b"".join(bytes(frame.data) for frame in heard), dtype="<i2")


def _to_pcm(wave: NDArray[np.float64]) -> bytes:
    pcm: bytes = np.clip(wave * 32768, -32768, 32767).astype("<i2").tobytes()
    return pcm
