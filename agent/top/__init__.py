"""`parley top`: what a worker and a model server are at, in a terminal."""

from agent.top.command import TopOptions, run_top

__all__ = ["TopOptions", "run_top"]
