"""Language models on a llama.cpp server: one that is started here, or any other by its URL.

Needs `pip install 'parley-agent[llama]'`.
"""

import logging

from livekit.agents import Plugin
from livekit.plugins.speechcore import EngineError

from .ahead import Prefill
from .models import DEFAULT_MODEL, MODELS, Model
from .options import ServerOptions
from .server import LlamaServer
from .slots import SlotLease, SlotTable
from .supervisor import keep_running

try:
    # At once where it can be had: livekit wants OpenAI's plugin to be imported on the main thread.
    from .llm import LLM
except ModuleNotFoundError as e:
    if not (e.name or "").startswith("livekit.plugins.openai"):
        raise

    def __getattr__(name: str) -> object:
        if name == "LLM":
            raise EngineError("livekit-plugins-openai is not installed: install the 'llama' extra")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__version__ = "0.1.0"
__all__ = [
    "DEFAULT_MODEL",
    "LLM",
    "MODELS",
    "LlamaServer",
    "Model",
    "Prefill",
    "ServerOptions",
    "SlotLease",
    "SlotTable",
    "__version__",
    "keep_running",
]


class LlamaCppPlugin(Plugin):
    def __init__(self) -> None:
        super().__init__(
            __name__, __version__, __package__ or __name__, logging.getLogger(__name__)
        )


Plugin.register_plugin(LlamaCppPlugin())
