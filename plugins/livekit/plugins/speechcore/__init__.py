"""What every speech engine needs and no framework: errors, engine protocols, a thread, PCM helpers."""

from .engine import Recogniser, RecogniserSession, Synthesiser, Transcript, Word
from .errors import EngineBusy, EngineError, EngineTimeout
from .pcm import BYTES_PER_SAMPLE, EdgeFader, duration_s, level_dbfs, to_mono
from .thread import EngineThread

__all__ = [
    "BYTES_PER_SAMPLE",
    "EdgeFader",
    "EngineBusy",
    "EngineError",
    "EngineThread",
    "EngineTimeout",
    "Recogniser",
    "RecogniserSession",
    "Synthesiser",
    "Transcript",
    "Word",
    "duration_s",
    "level_dbfs",
    "to_mono",
]
