"""The assistant's tools, the same for every LLM: add one in `toolbox.py`."""

from agent.tools.toolbox import CallActions, Toolbox

__all__ = ["CallActions", "Toolbox"]
