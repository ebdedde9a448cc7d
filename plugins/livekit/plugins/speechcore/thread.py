"""Runs an engine's blocking steps on a thread of its own, one at a time, each with a deadline."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from .errors import EngineBusy, EngineTimeout

T = TypeVar("T")


class EngineThread:
    """One named thread. A step that outlives its deadline keeps the thread; until it returns every
    further call is refused with EngineBusy instead of queueing behind it.

    Not the loop's default executor: livekit runs VAD and turn detection there, and a process waits
    for it when it ends.
    """

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._calls: set[Future[Any]] = set()
        self._abandoned: set[Future[Any]] = set()

    async def call(self, step: Callable[[], T], *, timeout_s: float) -> T:
        """Runs one blocking `step`. Raises EngineTimeout, EngineBusy, or what the step raises.

        When cancelled, a step in progress runs to its end and its result is dropped.
        """
        if self._abandoned:
            raise EngineBusy("the engine is still busy with a step that missed its deadline")
        running = self._pool.submit(step)
        self._calls.add(running)
        running.add_done_callback(self._calls.discard)
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.wrap_future(running)
        except TimeoutError as e:
            if not running.done():  # a step that has not begun is cancelled, and done
                self._abandoned.add(running)
                running.add_done_callback(self._abandoned.discard)
            raise EngineTimeout(f"no answer within {timeout_s:g} s") from e

    async def iterate(self, steps: Iterator[T], *, timeout_s: float) -> AsyncGenerator[T, None]:
        """Yields what `steps` yields; the deadline holds for each step.

        `steps` is closed on the engine's thread when the consumer stops, however it stops.
        """
        end = object()
        try:
            while True:
                item = await self.call(lambda: next(steps, end), timeout_s=timeout_s)
                if item is end:
                    return
                yield item  # type: ignore[misc]  # the sentinel has just been ruled out
        finally:
            close = getattr(steps, "close", None)
            if close is not None:
                with contextlib.suppress(RuntimeError):  # the pool is shut down already
                    self._pool.submit(close)

    def submit(self, step: Callable[[], object]) -> None:
        """Runs `step` after the ones before it, even if `close()` comes first; nobody awaits it."""
        with contextlib.suppress(RuntimeError):
            self._pool.submit(step)

    def close(self) -> None:
        """Lets the step in progress end and drops the waiting calls; harmless when repeated.

        Steps given to `submit()` before are clean-up and still run.
        """
        for call in tuple(self._calls):
            call.cancel()
        self._pool.shutdown(wait=False)
