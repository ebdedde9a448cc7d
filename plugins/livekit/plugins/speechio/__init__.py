"""The half that livekit plugins share: engine errors to API errors, frames to PCM, engine to TTS."""

from .errors import to_api_error
from .frames import PcmResampler, frames_to_pcm, mono_frame
from .tts import OUTPUT_SAMPLE_RATE_HZ, EngineTTS

__all__ = [
    "OUTPUT_SAMPLE_RATE_HZ",
    "EngineTTS",
    "PcmResampler",
    "frames_to_pcm",
    "mono_frame",
    "to_api_error",
]
