"""How late an event loop runs its timers."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

OnBeat = Callable[[float, float], None]


class LoopProbe:
    """Beats every `beat_s` seconds on the running loop from `begin()` to `end()`.

    `on_beat` is told how many seconds late each beat was, and how many without the time in which
    others had the processor that the loop waited for.
    """

    def __init__(self, on_beat: OnBeat, *, beat_s: float) -> None:
        self._on_beat = on_beat
        self._beat_s = beat_s
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._beat(), name="loop-probe")

    def end(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _beat(self) -> None:
        statistics = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        waited_s = _waited_s(statistics)
        while True:
            due_s = time.perf_counter() + self._beat_s
            await asyncio.sleep(self._beat_s)
            late_s = max(0.0, time.perf_counter() - due_s)
            before_s, waited_s = waited_s, _waited_s(statistics)
            self._on_beat(late_s, max(0.0, late_s - (waited_s - before_s)))


def _waited_s(statistics: Path) -> float:
    """For a processor, so far. Linux only: 0 elsewhere."""
    try:
        return int(statistics.read_bytes().split()[1]) / 1e9
    except OSError:
        return 0.0
