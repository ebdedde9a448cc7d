"""Whisper STT by faster-whisper: streaming, in many languages, on a CPU or a GPU.

Needs `pip install 'parley-agent[whisper]'` and `parley download faster_whisper`.
"""

from __future__ import annotations

from livekit.agents import Plugin
from livekit.plugins.speechio import ModelPlugin

from .engine import FasterWhisperEngine, make_engine
from .options import WhisperOptions
from .stt import STT

__version__ = "0.1.0"

__all__ = [
    "STT",
    "FasterWhisperEngine",
    "WhisperOptions",
    "make_engine",
]

Plugin.register_plugin(ModelPlugin(__name__, __version__, model="faster_whisper:base.en"))
