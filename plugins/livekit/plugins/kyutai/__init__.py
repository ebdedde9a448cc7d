"""Kyutai's delayed-streams models on their own server, moshi-server: its ears and its voice, by URL."""

import logging

from livekit.agents import Plugin

from .options import ServerOptions, parse_address
from .recogniser import KyutaiRecogniser
from .stt import STT
from .tts import TTS

__version__ = "0.1.0"
__all__ = ["STT", "TTS", "KyutaiRecogniser", "ServerOptions", "parse_address"]


class KyutaiPlugin(Plugin):
    """Nothing to download: the models are the server's."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __name__, logging.getLogger(__name__))


Plugin.register_plugin(KyutaiPlugin())
