"""Measures how long an event loop was kept from its timers."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
from pathlib import Path
from types import TracebackType

_BEAT_S = 0.005


class Stopwatch:
    """Time less the time in which this thread could not help being late: a busy machine is not
    blamed on the code that is measured.

    Taken off is the time this thread was ready to run but another had the processor, and the
    longest such time of another Python thread, which may have held the interpreter lock meanwhile.
    On a machine with nothing else to do that is next to nothing, and waiting for the lock counts.
    Linux only; elsewhere plain time.
    """

    def __init__(self) -> None:
        self._own = threading.get_native_id()
        self._last_s = time.perf_counter()
        self._last_waits_s = _waits_s()

    def lap_s(self) -> float:
        """Seconds since the last lap."""
        now_s, waits_s = time.perf_counter(), _waits_s()
        lap_s = now_s - self._last_s
        delays_s = {t: wait - self._last_waits_s.get(t, 0.0) for t, wait in waits_s.items()}
        lap_s -= delays_s.pop(self._own, 0.0) + max(delays_s.values(), default=0.0)
        self._last_s, self._last_waits_s = now_s, waits_s
        return max(0.0, lap_s)


def _waits_s() -> dict[int, float]:
    """How long each Python thread has waited for a processor so far."""
    waits_s = {}
    for thread in threading.enumerate():
        with contextlib.suppress(OSError, IndexError):  # no such statistics, or it has just ended
            statistics = Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text()
            waits_s[thread.native_id or 0] = int(statistics.split()[1]) / 1e9
    return waits_s


class Heartbeat:
    """`async with Heartbeat() as heartbeat`: afterwards `longest_block_s` is the longest block.

    What earlier tests have left behind is kept from the garbage collector meanwhile: after some
    thousand of them it would block the loop while it goes through all that.
    """

    def __init__(self) -> None:
        self.longest_block_s = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Heartbeat:
        gc.collect()
        gc.freeze()
        self._stopwatch = Stopwatch()
        self._task = asyncio.create_task(self._beat(), name="heartbeat")
        await asyncio.sleep(0)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        assert self._task is not None
        self._note()  # a block that has not let the task beat since counts as well
        self._task.cancel()
        await asyncio.wait({self._task})
        gc.unfreeze()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_S)
            self._note()

    def _note(self) -> None:
        self.longest_block_s = max(self.longest_block_s, self._stopwatch.lap_s() - _BEAT_S)
