"""What the tests of the real faster-whisper share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from livekit.plugins.faster_whisper import WhisperOptions
from numpy.typing import NDArray

from tests.fakes.audio import noise, speech_like

RATE_HZ = 16_000
SENTENCE = "what time is it now"


def options(folder: Path, **others: object) -> WhisperOptions:
    return WhisperOptions(model=str(folder), device="cpu", cpu_threads=1, **others)  # type: ignore[arg-type]


def made_speech(total_s: float, *spans: tuple[float, float]) -> bytes:
    return speech_like(total_s, spans, RATE_HZ)


def samples(duration_s: float, seed: int = 0) -> NDArray[np.float32]:
    return to_float(noise(duration_s, -20.0, RATE_HZ, seed=seed))


def to_float(pcm: bytes) -> NDArray[np.float32]:
    return np.frombuffer(pcm, np.int16).astype(np.float32) / 32768
