"""A fake provider in a thread of its own: for a test whose own loop is taken, or that has none."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, Generic, TypeVar

from .provider import FakeProvider

_START_S = 5.0
_WORK_S = 10.0

Provider = TypeVar("Provider", bound=FakeProvider)
T = TypeVar("T")


class ProviderThread(Generic[Provider]):
    """Serves from the first moment until `stop()`, which does not wait for the end."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="provider")
        self._thread.start()
        assert self._started.wait(_START_S)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs it in the provider's loop; blocks until it is done."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_WORK_S)

    def stop(self) -> None:
        """Twice is fine."""
        with contextlib.suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._stopped.set)

    def join(self) -> None:
        """Waits for the end."""
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        async with self.provider.running():
            self._started.set()
            await self._stopped.wait()


@contextlib.contextmanager
def served(provider: Provider) -> Iterator[ProviderThread[Provider]]:
    thread = ProviderThread(provider)
    try:
        yield thread
    finally:
        thread.stop()
        thread.join()
