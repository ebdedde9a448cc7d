"""pocketsphinx STT: English, in the process, with the model that its wheel brings along."""

from __future__ import annotations

import logging

from livekit.agents import Plugin

from .engine import PocketsphinxEngine
from .stt import STT

__version__ = "0.1.0"

__all__ = ["STT", "PocketsphinxEngine"]


class PocketsphinxPlugin(Plugin):
    """Nothing to download: the model is inside the wheel. Nothing is loaded at import."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __name__, logging.getLogger(__name__))


Plugin.register_plugin(PocketsphinxPlugin())
