"""One piece of work at a time; of those that wait only the newest is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from livekit.agents.utils import aio

T = TypeVar("T")


class NewestOnly:
    """For work that a newer piece makes useless: the same prompt with some more words."""

    def __init__(self, name: str) -> None:
        """`name`: of the tasks."""
        self._name = name
        self._newest = 0
        self._turn = asyncio.Lock()
        self._running: asyncio.Task[Any] | None = None

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T | None:
        """What `work` gives; None if it was cancelled, or never begun for a newer one.

        Cancelled, it cancels the work.
        """
        self._newest += 1
        number = self._newest
        async with self._turn:
            if number != self._newest:
                return None
            task = self._running = asyncio.create_task(work(), name=self._name)
            try:
                await asyncio.wait([task])
                return None if task.cancelled() else task.result()
            finally:
                self._running = None
                await aio.cancel_and_wait(task)

    def cancel(self) -> None:
        """Ends what runs and what waits; returns at once."""
        self._newest += 1
        if self._running is not None:
            self._running.cancel()
