"""What every speech engine needs and no framework: errors, engine protocols, a thread, PCM helpers."""

from .child import end_child
from .engine import (
    DEFAULT_VOICING,
    PartialSession,
    Recogniser,
    RecogniserSession,
    SpeechChunk,
    Synthesiser,
    Transcript,
    Voicing,
    Word,
)
from .errors import EngineBusy, EngineError, EngineTimeout
from .pcm import BYTES_PER_SAMPLE, EdgeFader, duration_s, from_floats, level_dbfs, to_mono
from .phrase_cache import DEFAULT_CACHE_BYTES, CachingEngine, PhraseCache, PhraseKey
from .thread import EngineThread
from .timer import Timer

__all__ = [
    "BYTES_PER_SAMPLE",
    "DEFAULT_CACHE_BYTES",
    "DEFAULT_VOICING",
    "CachingEngine",
    "EdgeFader",
    "EngineBusy",
    "EngineError",
    "EngineThread",
    "EngineTimeout",
    "PartialSession",
    "PhraseCache",
    "PhraseKey",
    "Recogniser",
    "RecogniserSession",
    "SpeechChunk",
    "Synthesiser",
    "Timer",
    "Transcript",
    "Voicing",
    "Word",
    "duration_s",
    "end_child",
    "from_floats",
    "level_dbfs",
    "to_mono",
]
