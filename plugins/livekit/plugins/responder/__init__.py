"""An LLM without a model: fuzzy intents from a YAML skills file, ordinary tool calls.

Needs `pip install 'parley-agent[embedded]'`.
"""

import logging

from livekit.agents import Plugin

from .llm import LLM
from .skills_file import SkillsError, load_skills

__version__ = "0.1.0"
__all__ = ["LLM", "SkillsError", "__version__", "load_skills"]


class ResponderPlugin(Plugin):
    def __init__(self) -> None:
        super().__init__(
            __name__, __version__, __package__ or __name__, logging.getLogger(__name__)
        )


Plugin.register_plugin(ResponderPlugin())
