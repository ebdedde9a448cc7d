"""Moonshine STT: small models whose cost follows the length of the speech.

Needs `pip install 'parley-agent[moonshine]'` and a model: `parley download moonshine:base`.
"""

from __future__ import annotations

from livekit.agents import Plugin
from livekit.plugins.speechio import ModelPlugin

from .engine import MoonshineEngine
from .stt import STT

__version__ = "0.1.0"

__all__ = ["STT", "MoonshineEngine"]

Plugin.register_plugin(ModelPlugin(__name__, __version__, model="moonshine:base"))
