"""Piper voices, in a process of their own. Needs `pip install 'parley-agent[piper]'`.

Piper is GPL-3: its package is an extra, and is imported by that process only.
"""

from livekit.agents import Plugin
from livekit.plugins.speechio import ModelPlugin

from .engine import Piper
from .tts import TTS

__version__ = "0.1.0"
__all__ = ["TTS", "Piper"]

Plugin.register_plugin(ModelPlugin(__name__, __version__, model="piper:en_US-ljspeech-medium"))
