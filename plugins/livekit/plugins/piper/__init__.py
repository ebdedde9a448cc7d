"""Piper voices, in a process of their own. Needs `pip install 'parley-agent[piper]'`.

Piper is GPL-3: its package is an extra, and is imported by that process only.
"""

import logging

from livekit.agents import Plugin

from .engine import Piper
from .tts import TTS

__version__ = "0.1.0"
__all__ = ["TTS", "Piper"]


class PiperPlugin(Plugin):
    """Voices are downloaded by `parley download`. Nothing is loaded at import."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __name__, logging.getLogger(__name__))


Plugin.register_plugin(PiperPlugin())
