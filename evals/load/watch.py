"""What the processes of a measurement use: processor, memory, files."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from agent.sizing.usage import busy_s, memory_bytes
from agent.sizing.usage import cores as cores_of

_LOOPBACKS = ("lo", "lo0")


@dataclass(frozen=True)
class Usage:
    """Since the machine was started, or since a process was."""

    at_s: float
    busy_s: Mapping[str, Mapping[int, float]]
    """Processor time by part and process."""
    machine_busy_s: float
    loopback_bytes: int | None


def usage(parts: Mapping[str, psutil.Process]) -> Usage:
    """`parts`: each by the process at its head, whose descendants count."""
    counters = psutil.net_io_counters(pernic=True)
    loopback = next((counters[name] for name in _LOOPBACKS if name in counters), None)
    times = psutil.cpu_times()
    return Usage(
        at_s=time.monotonic(),
        busy_s={name: busy_s(head) for name, head in parts.items()},
        machine_busy_s=sum(times)
        - times.idle
        - getattr(times, "iowait", 0.0)
        - getattr(times, "guest", 0.0),
        loopback_bytes=loopback.bytes_sent if loopback else None,
    )


def cores(before: Usage, after: Usage) -> dict[str, float]:
    """How many processors each part kept busy, and all there is together ("machine").

    Of a part count the processes that lived all the time.
    """
    took_s = after.at_s - before.at_s
    kept = {
        name: cores_of(before.busy_s[name], after.busy_s[name], took_s) for name in after.busy_s
    }
    kept["machine"] = (after.machine_busy_s - before.machine_busy_s) / took_s
    return {name: round(count, 3) for name, count in kept.items()}


def kbit_s(before: Usage, after: Usage) -> float | None:
    """Over loopback."""
    if before.loopback_bytes is None or after.loopback_bytes is None:
        return None
    return (after.loopback_bytes - before.loopback_bytes) * 8e-3 / (after.at_s - before.at_s)


def memory_mb(head: psutil.Process) -> float:
    """Of a family."""
    return memory_bytes(head) / 1e6
