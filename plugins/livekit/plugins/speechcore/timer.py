"""One thing to do later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class Timer:
    """Calls an action once, on the loop that runs; to set it anew forgets what it was set to before."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None

    @property
    def due_s(self) -> float | None:
        """By the loop's clock; None when nothing is to be done."""
        return None if self._handle is None else self._handle.when()

    def at(self, due_s: float | None, action: Callable[..., object], *arguments: Any) -> None:
        """By the loop's clock; None is never."""
        self.cancel()
        if due_s is not None:
            loop = asyncio.get_running_loop()
            self._handle = loop.call_at(due_s, self._act, action, *arguments)

    def at_latest(
        self, due_s: float | None, action: Callable[..., object], *arguments: Any
    ) -> None:
        """As `at`, but what is due by then anyway, or has no other time to be done, stays."""
        if due_s is not None and (self.due_s is None or due_s < self.due_s):
            self.at(due_s, action, *arguments)

    def after(self, delay_s: float, action: Callable[..., object], *arguments: Any) -> None:
        self.at(asyncio.get_running_loop().time() + delay_s, action, *arguments)

    def cancel(self) -> None:
        """Twice is fine."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _act(self, action: Callable[..., object], *arguments: Any) -> None:
        self._handle = None
        action(*arguments)
