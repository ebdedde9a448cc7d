"""The half that livekit plugins share: errors, frames, events, engine to TTS."""

from .errors import to_api_error
from .events import speech_event, usage_event
from .frames import PcmResampler, frames_to_pcm, mono_frame
from .tts import OUTPUT_SAMPLE_RATE_HZ, EngineTTS

__all__ = [
    "OUTPUT_SAMPLE_RATE_HZ",
    "EngineTTS",
    "PcmResampler",
    "frames_to_pcm",
    "mono_frame",
    "speech_event",
    "to_api_error",
    "usage_event",
]
