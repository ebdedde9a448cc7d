"""Moonshine STT: small models whose cost follows the length of the speech.

Needs `pip install 'parley-agent[moonshine]'` and a model: `parley download moonshine:base`.
"""

from __future__ import annotations

import logging

from livekit.agents import Plugin

from .engine import MoonshineEngine
from .stt import STT

__version__ = "0.1.0"

__all__ = ["STT", "MoonshineEngine"]


class MoonshinePlugin(Plugin):
    """Models are downloaded by `parley download`. Nothing is loaded at import."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __name__, logging.getLogger(__name__))


Plugin.register_plugin(MoonshinePlugin())
