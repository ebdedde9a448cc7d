"""WebRTC's VAD for livekit."""

from __future__ import annotations

from livekit.plugins.speechcore.vad import SpeechBounds
from livekit.plugins.speechio.vad import EngineVAD

from .engine import DEFAULT_AGGRESSIVENESS, WINDOW_SAMPLES, WebRtcDetector

_BOUNDS = SpeechBounds(activation=0.5, deactivation=0.5)
"""Three windows of five, at both edges."""


class VAD(EngineVAD):
    """20 ms windows, in the process. A baseline: loud noise is speech to it."""

    def __init__(
        self,
        *,
        aggressiveness: int = DEFAULT_AGGRESSIVENESS,
        bounds: SpeechBounds = _BOUNDS,
    ) -> None:
        """`aggressiveness`: 0 takes most sounds for speech, 3 the fewest.

        Raises EngineError when webrtcvad is not installed, or for another aggressiveness.
        """
        super().__init__(
            lambda: WebRtcDetector(aggressiveness),
            model=f"webrtc-vad-{aggressiveness}",
            provider="webrtc",
            window_samples=WINDOW_SAMPLES,
            bounds=bounds,
        )
