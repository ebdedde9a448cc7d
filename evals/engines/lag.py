"""How late an event loop runs its timers."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

_BEAT_S = 0.005


class LagProbe:
    """Beats every 5 ms on the running loop from `begin()` on, and notes how late each beat was."""

    def __init__(self) -> None:
        self._late_s: list[float] = []
        self._own_s: list[float] = []
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._beat(), name="lag-probe")

    def end(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def summary(self) -> dict[str, Any]:
        """`own_max_ms`: without the time in which others had the processor that the loop waited for."""
        late_s = sorted(self._late_s)
        count = len(late_s)
        return {
            "n": count,
            "p50_ms": _ms(late_s[count // 2]),
            "p99_ms": _ms(late_s[count * 99 // 100]),
            "max_ms": _ms(late_s[-1]),
            "own_max_ms": _ms(max(self._own_s)),
        }

    async def _beat(self) -> None:
        statistics = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        waited_s = _waited_s(statistics)
        while True:
            due_s = time.perf_counter() + _BEAT_S
            await asyncio.sleep(_BEAT_S)
            late_s = max(0.0, time.perf_counter() - due_s)
            before_s, waited_s = waited_s, _waited_s(statistics)
            self._late_s.append(late_s)
            self._own_s.append(max(0.0, late_s - (waited_s - before_s)))


def _waited_s(statistics: Path) -> float:
    """For a processor, so far. Linux only: 0 elsewhere."""
    try:
        return int(statistics.read_bytes().split()[1]) / 1e9
    except OSError:
        return 0.0


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
