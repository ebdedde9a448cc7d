"""`parley demo`: finds or starts a LiveKit server, starts worker and page, stops them together."""

from .demo import run_demo
from .options import DemoError, DemoOptions
from .prepare import prepare

__all__ = ["DemoError", "DemoOptions", "prepare", "run_demo"]
