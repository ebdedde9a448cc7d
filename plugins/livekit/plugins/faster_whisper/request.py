"""A piece of speech to be decoded, and what the decoder is to know besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from livekit.plugins.speechcore import EngineError
from numpy.typing import NDArray

from .window import FRAME_SAMPLES, MOST_FRAMES, SAMPLE_RATE_HZ, content_frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the decoder is to know besides the audio."""

    language: str | None
    """None detects it."""
    context: str = ""
    """What was said just before, if anything."""
    is_final: bool


class Speech(NamedTuple):
    samples: NDArray[np.float32]
    request: Request

    @property
    def frames(self) -> int:
        return content_frames(len(self.samples))

    @property
    def length_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


def checked(samples: NDArray[np.float32], request: Request) -> Speech:
    """Raises EngineError for what no Whisper can hear."""
    if len(samples) > MOST_FRAMES * FRAME_SAMPLES:
        raise EngineError("Whisper hears 30 s at most in one go")
    if not np.isfinite(samples).all():
        raise EngineError("the audio has samples that are no numbers")
    return Speech(samples, request)
