"""The espeak-ng voice: no download, no account. Needs `pip install 'parley-agent[embedded]'`.

espeak-ng itself is GPL-3 and comes with the espeakng-loader wheel of that extra.
"""

import logging

from livekit.agents import Plugin

from .engine import Espeak, EspeakOptions, voices
from .tts import TTS

__version__ = "0.1.0"
__all__ = ["TTS", "Espeak", "EspeakOptions", "__version__", "voices"]


class EspeakPlugin(Plugin):
    def __init__(self) -> None:
        super().__init__(
            __name__, __version__, __package__ or __name__, logging.getLogger(__name__)
        )


Plugin.register_plugin(EspeakPlugin())
