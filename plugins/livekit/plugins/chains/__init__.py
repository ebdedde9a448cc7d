"""Several engines behind one face: whichever fails, the next one goes on where it stopped."""

import logging

from livekit.agents import Plugin

from .breaker import BreakerState
from .breaker_file import FileStore
from .breakers import Breakers, EngineBreaker, MemoryStore
from .continuation import Continuing
from .events import BreakerChanged, BrokeOff, ChainEvent, Hedged, OnEvent, Switched
from .faults import Fault, FaultKind, GarbageError, classify
from .llm import ChainLLM
from .member import Member, Prober
from .stt import ChainSTT
from .tts import ChainTTS

__version__ = "0.1.0"
__all__ = [
    "BreakerChanged",
    "BreakerState",
    "Breakers",
    "BrokeOff",
    "ChainEvent",
    "ChainLLM",
    "ChainSTT",
    "ChainTTS",
    "Continuing",
    "EngineBreaker",
    "Fault",
    "FaultKind",
    "FileStore",
    "GarbageError",
    "Hedged",
    "Member",
    "MemoryStore",
    "OnEvent",
    "Prober",
    "Switched",
    "classify",
]


class ChainsPlugin(Plugin):
    """Nothing to download."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __name__, logging.getLogger(__name__))


Plugin.register_plugin(ChainsPlugin())
