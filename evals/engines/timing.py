"""Two ways of doing the same, timed in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evals.ear.metrics import percentile


@dataclass(frozen=True, kw_only=True)
class Times:
    """Seconds."""

    n: int
    p50_s: float
    p95_s: float

    @classmethod
    def of(cls, values_s: Sequence[float]) -> Times:
        """Raises ValueError for none."""
        ordered = sorted(values_s)
        p50_s, p95_s = percentile(ordered, 0.5), percentile(ordered, 0.95)
        if p50_s is None or p95_s is None:
            raise ValueError("there are no times")
        return cls(n=len(ordered), p50_s=round(p50_s, 6), p95_s=round(p95_s, 6))


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Ours beside a baseline, measured in turn in one run."""

    what: str
    ours: Times
    baseline: Times

    @classmethod
    def of(cls, what: str, taken_s: Mapping[str, Sequence[float]]) -> Comparison:
        """`taken_s`: of "ours" and of "baseline". Raises ValueError when there are none."""
        return cls(
            what=what, ours=Times.of(taken_s["ours"]), baseline=Times.of(taken_s["baseline"])
        )

    @property
    def times_faster(self) -> float:
        """By the medians."""
        return self.baseline.p50_s / self.ours.p50_s

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"times_faster": round(self.times_faster, 2)}


def compare(
    what: str, ours: Callable[[], object], baseline: Callable[[], object], *, n: int
) -> Comparison:
    """Each once unmeasured, then `n` times in turn, who is first changing."""
    ways = {"ours": ours, "baseline": baseline}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for number in range(n):
        for name in sorted(ways, reverse=bool(number % 2)):
            started_s = time.perf_counter()
            ways[name]()
            taken[name].append(time.perf_counter() - started_s)
    return Comparison.of(what, taken)
