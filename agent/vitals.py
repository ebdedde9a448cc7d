"""What the metrics know of a call's process: how long it lasts, its event loop, its memory."""

from __future__ import annotations

import os
import time
from pathlib import Path

from agent import metrics
from agent.loop_probe import LoopProbe

_BEAT_S = 0.1
_BEATS_A_LOOK = 50
"""At the memory: every five seconds."""

_MEMORY = Path("/proc/self/statm")


class Vitals:
    """Of one call, from `begin()` on its event loop to `end()`."""

    def __init__(self) -> None:
        self._probe = LoopProbe(self._on_beat, beat_s=_BEAT_S)
        self._beats = 0
        self._begun_s: float | None = None

    def begin(self) -> None:
        self._begun_s = time.monotonic()
        metrics.CALLS.inc()
        metrics.observe_memory(resident_bytes())
        self._probe.begin()

    def end(self) -> None:
        """Twice is fine. What the process holds now is no call's."""
        if self._begun_s is None:
            return
        metrics.DURATION.observe(time.monotonic() - self._begun_s)
        self._begun_s = None
        self._probe.end()
        metrics.observe_memory(0)
        metrics.CALLS.dec()

    def _on_beat(self, late_s: float, _: float) -> None:
        metrics.LOOP_LAG.observe(late_s)
        self._beats += 1
        if self._beats % _BEATS_A_LOOK == 0:
            metrics.observe_memory(resident_bytes())


def resident_bytes(statistics: Path = _MEMORY) -> int:
    """Memory of this process that is in RAM, what it shares with others included. Linux only: 0
    elsewhere."""
    try:
        return int(statistics.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
