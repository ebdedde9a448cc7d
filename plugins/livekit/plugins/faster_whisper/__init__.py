"""Whisper STT by faster-whisper: streaming, in many languages, on a CPU or a GPU.

Needs `pip install 'parley-agent[whisper]'` and `parley download faster_whisper`.
"""

from __future__ import annotations

import logging

from livekit.agents import Plugin

from .engine import FasterWhisperEngine, make_engine
from .options import DEFAULT_MODEL, WhisperOptions
from .stt import STT
from .weights import FILES, MODELS, download, model_folder

__version__ = "0.1.0"

__all__ = [
    "DEFAULT_MODEL",
    "FILES",
    "MODELS",
    "STT",
    "FasterWhisperEngine",
    "WhisperOptions",
    "download",
    "make_engine",
    "model_folder",
]


class FasterWhisperPlugin(Plugin):
    """Nothing is loaded at import, and a model only by who speaks or prewarms."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __name__, logging.getLogger(__name__))

    def download_files(self) -> None:
        """Fetches the default model. Raises EngineError."""
        download(DEFAULT_MODEL)


Plugin.register_plugin(FasterWhisperPlugin())
