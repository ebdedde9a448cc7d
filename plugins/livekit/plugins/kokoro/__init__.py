"""The Kokoro voices: 82 million parameters, Apache-2.0 weights, real time on a laptop.

Needs `pip install 'parley-agent[kokoro]'` and `parley download kokoro`. The extra brings espeak-ng
and phonemizer, which are GPL-3 and find the phonemes.
"""

from livekit.agents import Plugin
from livekit.plugins.speechio import ModelPlugin

from .backend import Backend
from .engine import MAX_TEXT_CHARS, KokoroEngine
from .onnx_backend import OnnxBackend, OnnxOptions
from .torch_backend import TorchBackend, TorchOptions
from .tts import TTS
from .voices import KokoroOptions

__version__ = "0.1.0"
__all__ = [
    "MAX_TEXT_CHARS",
    "TTS",
    "Backend",
    "KokoroEngine",
    "KokoroOptions",
    "OnnxBackend",
    "OnnxOptions",
    "TorchBackend",
    "TorchOptions",
    "__version__",
]

Plugin.register_plugin(ModelPlugin(__name__, __version__, model="kokoro:v1.0"))
