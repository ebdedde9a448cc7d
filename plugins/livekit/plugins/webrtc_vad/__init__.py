"""WebRTC's VAD, a baseline for the others. Needs `pip install 'parley-agent[webrtcvad]'`."""

import logging

from livekit.agents import Plugin

from .engine import WebRtcDetector
from .vad import VAD

__version__ = "0.1.0"
__all__ = ["VAD", "WebRtcDetector"]


class WebRtcVadPlugin(Plugin):
    """Nothing to download. Nothing is loaded at import."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __name__, logging.getLogger(__name__))


Plugin.register_plugin(WebRtcVadPlugin())
