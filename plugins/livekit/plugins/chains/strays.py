"""Work of an engine that does not end when it is told to: it is left behind, not waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE_S = 0.2
"""How long anybody waits for an engine to let go."""


class Strays:
    """Owns what was left behind; `aclose()` of the chain is the last that asks it to end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Future[Any]] = set()

    async def within(self, work: asyncio.Future[T], timeout_s: float) -> T:
        """What `work` gives. Late, or when the waiting is cancelled, it is cancelled and left.

        Raises TimeoutError when it is late: also if it then swallows its cancellation.
        """
        try:
            done, _ = await asyncio.wait([work], timeout=timeout_s)
        except asyncio.CancelledError:
            self.leave(work)
            raise
        if not done:
            self.leave(work)
            raise TimeoutError
        return work.result()

    def leave(self, work: asyncio.Future[Any]) -> None:
        """Cancels `work` and forgets it once it has ended, however it does."""
        work.cancel()
        self.keep(work)

    def keep(self, work: asyncio.Future[Any]) -> None:
        """Lets `work` go on as long as the chain lives."""
        self._tasks.add(work)
        work.add_done_callback(self._ended)

    async def close(self, closing: Awaitable[object]) -> None:
        """Lets `closing` run; waits for it no longer than `PATIENCE_S`. Never raises its errors."""
        task = asyncio.ensure_future(closing)
        self.keep(task)
        await asyncio.wait([task], timeout=PATIENCE_S)

    async def aclose(self) -> None:
        """Cancels what still runs, and waits for it no longer than `PATIENCE_S`."""
        if waiting := list(self._tasks):
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting, timeout=PATIENCE_S)

    def _ended(self, work: asyncio.Future[Any]) -> None:
        self._tasks.discard(work)
        if not work.cancelled():
            work.exception()  # looked at, so that asyncio does not log it: nobody wants it any more
