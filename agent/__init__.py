"""Parley: a voice agent for LiveKit rooms that you host yourself."""

from importlib.metadata import version

__version__ = version("parley-agent")
