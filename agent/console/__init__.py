"""A call in the terminal, with this machine's microphone or in writing: no room, no LiveKit server."""

from agent.console.command import ConsoleOptions, run_console

__all__ = ["ConsoleOptions", "run_console"]
