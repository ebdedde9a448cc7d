"""Recordings that are uploaded whole."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass


@dataclass(frozen=True)
class Recording:
    pcm: bytes
    """Mono int16."""
    rate_hz: int


def read_wav(content: bytes) -> Recording | None:
    """None for anything but mono int16."""
    try:
        with wave.open(io.BytesIO(content)) as wav:
            if (wav.getnchannels(), wav.getsampwidth()) != (1, 2):
                return None
            return Recording(wav.readframes(wav.getnframes()), wav.getframerate())
    except (wave.Error, EOFError):
        return None


def make_wav(pcm: bytes, rate_hz: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((1, 2, rate_hz, 0, "NONE", ""))
        wav.writeframes(pcm)
    return file.getvalue()
