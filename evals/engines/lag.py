"""How late an event loop runs its timers, in figures."""

from __future__ import annotations

from typing import Any

from agent.loop_probe import LoopProbe

_BEAT_S = 0.005


class LagProbe(LoopProbe):
    """Beats every 5 ms and keeps how late each beat was."""

    def __init__(self) -> None:
        super().__init__(self._note, beat_s=_BEAT_S)
        self._late_s: list[float] = []
        self._own_s: list[float] = []

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

    def _note(self, late_s: float, own_s: float) -> None:
        self._late_s.append(late_s)
        self._own_s.append(own_s)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
