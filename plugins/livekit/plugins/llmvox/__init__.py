"""LLMVoX by its streaming server, at any URL. Nothing to install."""

import logging

from livekit.agents import Plugin

from .server import LLMVoxServer
from .tts import TTS

__version__ = "0.1.0"
__all__ = ["TTS", "LLMVoxServer"]


class LLMVoxPlugin(Plugin):
    """Nothing to download: the model is the server's."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __name__, logging.getLogger(__name__))


Plugin.register_plugin(LLMVoxPlugin())
