"""Kyutai's Moshi: speech to speech, both ways at once, over its server's WebSocket."""

import logging

from livekit.agents import Plugin

from .connection import connect
from .model import Moshi, realtime_model
from .options import DEFAULT_URL, MoshiOptions

__version__ = "0.1.0"
__all__ = ["DEFAULT_URL", "Moshi", "MoshiOptions", "connect", "realtime_model"]


class MoshiPlugin(Plugin):
    """Nothing to download: the model is the server's."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __name__, logging.getLogger(__name__))


Plugin.register_plugin(MoshiPlugin())
