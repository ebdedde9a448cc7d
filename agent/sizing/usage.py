"""What a program and all that it has started use of the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

import psutil


def family(head: psutil.Process) -> Iterator[psutil.Process]:
    """The process and what it started; those that have ended meanwhile are left out."""
    with suppress(psutil.NoSuchProcess):
        yield head
        yield from head.children(recursive=True)


def busy_s(head: psutil.Process) -> dict[int, float]:
    """Processor time of a family so far, by process."""
    found = {}
    for process in family(head):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            found[process.pid] = times.user + times.system
    return found


def memory_bytes(head: psutil.Process) -> int:
    """Of a family: what they share counts once (where the system tells so little, not at all)."""
    total = 0
    for process in family(head):
        with suppress(psutil.NoSuchProcess):
            info = process.memory_full_info()
            total += getattr(info, "pss", info.uss)
    return total


def cores(before: Mapping[int, float], after: Mapping[int, float], took_s: float) -> float:
    """Processors kept busy, by the processes that lived all the time."""
    return sum(busy_s - before[pid] for pid, busy_s in after.items() if pid in before) / took_s
