"""What a program and all that it has started use of the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

import psutil


class Family:
    """A process and its descendants."""

    def __init__(self, pid: int) -> None:
        self._head = psutil.Process(pid)

    def busy_s(self) -> dict[int, float]:
        """Processor time so far, by process."""
        busy = {}
        for process in self._members():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                busy[process.pid] = times.user + times.system
        return busy

    def memory_bytes(self) -> int:
        """What they share counts once, or not at all where the system does not tell."""
        total = 0
        for process in self._members():
            with suppress(psutil.NoSuchProcess):
                info = process.memory_full_info()
                total += getattr(info, "pss", info.uss)
        return total

    def _members(self) -> Iterator[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            yield self._head
            yield from self._head.children(recursive=True)


def cores(before: Mapping[int, float], after: Mapping[int, float], took_s: float) -> float:
    """Processors kept busy, by the processes that lived all the time."""
    return sum(busy_s - before[pid] for pid, busy_s in after.items() if pid in before) / took_s
