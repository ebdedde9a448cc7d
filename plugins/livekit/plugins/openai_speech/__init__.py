"""Any speech server with OpenAI's interface, by its URL: XTTS-v2 and others. Nothing to install."""

import logging

from livekit.agents import Plugin

from .server import ServerOptions, SpeechServer, parse_address
from .tts import TTS

__version__ = "0.1.0"
__all__ = ["TTS", "ServerOptions", "SpeechServer", "parse_address"]


class OpenAISpeechPlugin(Plugin):
    """Nothing to download."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __name__, logging.getLogger(__name__))


Plugin.register_plugin(OpenAISpeechPlugin())
