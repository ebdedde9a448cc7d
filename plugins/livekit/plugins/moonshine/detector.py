"""Silero, as livekit brings it along: it finds the speech that Moonshine is to hear."""

from __future__ import annotations

import numpy as np
from livekit.local_inference import VAD as NativeVAD
from livekit.local_inference import VAD_WINDOW_SAMPLES

WINDOW_SAMPLES = VAD_WINDOW_SAMPLES


class SileroDetector:
    """One caller's; some 20 µs a window of 32 ms."""

    def __init__(self) -> None:
        self._model = NativeVAD()

    def score(self, window: bytes) -> float:
        return float(self._model.predict(np.frombuffer(window, dtype=np.int16)))
