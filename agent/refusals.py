"""Engines that have no room for one more caller: the caller is told so, and soon."""

from __future__ import annotations

from collections.abc import Callable

from livekit.agents import ErrorEvent
from livekit.plugins.speechcore import EngineBusy

_TRIES = 3
"""Refusals in a row that may pass; livekit tries again after half a second."""


def is_busy(error: object) -> bool:
    """Whether what failed an engine is that it has too many callers already."""
    cause = getattr(error, "error", None)
    while isinstance(cause, BaseException):
        if isinstance(cause, EngineBusy):
            return True
        cause = cause.__cause__
    return False


class Refusals:
    """Counts a session's; `give_up` is called at one too many."""

    def __init__(self, give_up: Callable[[], None]) -> None:
        self._give_up = give_up
        self._count = 0

    def on_error(self, event: ErrorEvent) -> None:
        if getattr(event.error, "recoverable", True) or not is_busy(event.error):
            return
        self._count += 1
        if self._count > _TRIES:
            self._give_up()

    def answered(self) -> None:
        """The engines had room."""
        self._count = 0
