"""Simulated STT, LLM and TTS: stages of set cost and scripted output, for benchmarks and tests."""

from __future__ import annotations

import logging

from livekit.agents import Plugin

from .delays import parse_delay
from .llm import LLM
from .reply import reply_text
from .stt import STT
from .tts import TTS
from .words import WORDS_TOPIC, WordsError, parse_words

__version__ = "0.1.0"

__all__ = [
    "LLM",
    "STT",
    "TTS",
    "WORDS_TOPIC",
    "WordsError",
    "parse_delay",
    "parse_words",
    "reply_text",
]


class SimulatedPlugin(Plugin):
    """Nothing to download: the engines are made of arithmetic."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __name__, logging.getLogger(__name__))


Plugin.register_plugin(SimulatedPlugin())
