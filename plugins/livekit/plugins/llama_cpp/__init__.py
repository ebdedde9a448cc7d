"""Language models on a llama.cpp server: one that is started here, or any other by its URL.

Needs `pip install 'parley-agent[llama]'`.
"""

from livekit.agents import Plugin
from livekit.plugins.speechcore import EngineError
from livekit.plugins.speechio import ModelPlugin

from .client import Prefill
from .options import ServerOptions
from .server import LlamaServer
from .supervisor import keep_running

try:
    # At once where it can be had: livekit wants OpenAI's plugin to be imported on the main thread.
    from .llm import LLM
    from .warm_slots import WarmSlots, read_in_pauses
except ModuleNotFoundError as e:
    if not (e.name or "").startswith("livekit.plugins.openai"):
        raise

    def __getattr__(name: str) -> object:
        if name in ("LLM", "WarmSlots", "read_in_pauses"):
            raise EngineError("livekit-plugins-openai is not installed: install the 'llama' extra")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__version__ = "0.1.0"
__all__ = [
    "LLM",
    "LlamaServer",
    "Prefill",
    "ServerOptions",
    "WarmSlots",
    "__version__",
    "keep_running",
    "read_in_pauses",
]

Plugin.register_plugin(ModelPlugin(__name__, __version__, model="llama_cpp:qwen2.5-1.5b-instruct"))
