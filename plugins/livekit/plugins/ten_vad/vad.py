"""TEN VAD for livekit."""

from __future__ import annotations

from livekit.plugins.speechcore.vad import SpeechBounds
from livekit.plugins.speechio.vad import EngineVAD

from .engine import WINDOW_SAMPLES, TenVadDetector

_BOUNDS = SpeechBounds(activation=0.5, deactivation=0.5)
"""One threshold, as its makers have it: in the quiet of a room it still scores 0.35 and more."""


class VAD(EngineVAD):
    """16 ms windows, in the process. Logs TEN VAD's licence notice once a process."""

    def __init__(self, *, bounds: SpeechBounds = _BOUNDS) -> None:
        """Raises EngineError when TEN VAD is not there or cannot run here."""
        super().__init__(
            TenVadDetector,
            model="ten-vad",
            provider="ten",
            window_samples=WINDOW_SAMPLES,
            bounds=bounds,
        )
