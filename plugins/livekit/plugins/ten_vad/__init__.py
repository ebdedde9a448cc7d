"""TEN VAD, an alternative to Silero. Needs `pip install 'parley-agent[tenvad]'`.

It comes under Apache-2.0 with additional conditions, which `LICENCE_NOTICE` sums up.
"""

import logging

from livekit.agents import Plugin

from .engine import LICENCE_NOTICE, TenVadDetector
from .vad import VAD

__version__ = "0.1.0"
__all__ = ["LICENCE_NOTICE", "VAD", "TenVadDetector"]


class TenVadPlugin(Plugin):
    """Nothing to download: the model is inside the wheel. Nothing is loaded at import."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __name__, logging.getLogger(__name__))


Plugin.register_plugin(TenVadPlugin())
