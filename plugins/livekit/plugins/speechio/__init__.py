"""The half that livekit plugins share: errors, frames, events, engine to STT and TTS."""

from .errors import to_api_error
from .events import PAUSE_SCORE, speech_event, usage_event
from .frames import PcmResampler, frames_to_pcm, mono_frame
from .handles import (
    InProcessRecogniser,
    InProcessSynthesiser,
    Listener,
    OnUpdate,
    RecogniserHandle,
    SynthesiserHandle,
    in_background,
)
from .http_voice import HTTPVoice
from .phrase_cache import CachingSynthesiser
from .plugin import ModelPlugin
from .stt import EngineRecognizeStream, EngineSTT
from .tts import OUTPUT_SAMPLE_RATE_HZ, EngineTTS

__all__ = [
    "OUTPUT_SAMPLE_RATE_HZ",
    "PAUSE_SCORE",
    "CachingSynthesiser",
    "EngineRecognizeStream",
    "EngineSTT",
    "EngineTTS",
    "HTTPVoice",
    "InProcessRecogniser",
    "InProcessSynthesiser",
    "Listener",
    "ModelPlugin",
    "OnUpdate",
    "PcmResampler",
    "RecogniserHandle",
    "SynthesiserHandle",
    "frames_to_pcm",
    "in_background",
    "mono_frame",
    "speech_event",
    "to_api_error",
    "usage_event",
]
