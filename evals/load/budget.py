"""From how many calls at the same time on a machine is too small for a system, and what a call costs. Pure.

The budget is broken when the p95 of the responses is over 1.2 times that of one call alone, when a greater
share of the turns is unanswered than alone, or when a call does not come about. A step in which the callers
themselves were late says nothing about the agents, and ends the search as well.

Responses have two modes (the end of the turn was seen, or waited for), and a p95 near the border between them
is a matter of chance: so every step has as many turns as the one call alone, the same ones, and tells how many
were slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evals.ear.metrics import SLOW_S, percentile
from evals.load.trend import fit_line
from evals.load.turn import Turn

P95_RATIO = 1.2
LATE_S = 0.02
"""Callers whose 99th percentile is later than this were too late to measure by."""
CALLERS_LATE = "the callers were late"

_SECOND_STEP = 4
"""Two calls fit wherever four do, and a step with few callers is a long one."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """So many calls of one system at the same time."""

    calls: int
    responses_s: tuple[float, ...]
    """In order of size."""
    cut_off: int
    unanswered: int
    failed_calls: tuple[str, ...]
    """Why each did."""
    late_p99_s: float | None
    """Of the callers' microphones; None when there was none."""
    cores: dict[str, float]
    """Processors kept busy: by the agents, the LiveKit server, the callers, and by all there is."""
    memory_mb: float
    """Of all processes of the agents; what they share counts once."""
    loopback_kbit_s: float | None
    """Of a call, all ways together: caller to server to agent, and back."""
    seconds: float

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Step:
        """From what `to_dict` gave, also after a way through JSON."""
        known = {name: fields[name] for name in cls.__dataclass_fields__}
        lists = {name: tuple(fields[name]) for name in ("responses_s", "failed_calls")}
        return cls(**known | lists)

    def to_dict(self) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in ("turns", "slow", "p50_s", "p95_s")}
        return asdict(self) | told

    @property
    def turns(self) -> int:
        return len(self.responses_s) + self.cut_off + self.unanswered

    @property
    def slow(self) -> int:
        """Turns whose end was waited for."""
        return sum(response_s > SLOW_S for response_s in self.responses_s)

    @property
    def unanswered_share(self) -> float:
        return self.unanswered / self.turns if self.turns else 0.0

    @property
    def p50_s(self) -> float | None:
        return percentile(self.responses_s, 0.5)

    @property
    def p95_s(self) -> float | None:
        return percentile(self.responses_s, 0.95)


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What the steps of a system amount to."""

    calls: int
    """The most within the budget."""
    ended_by: str
    """What was wrong with more; empty when no more were tried."""
    per_core: float
    """Of the machine's cores, which the callers and the LiveKit server share."""
    agent_cores_per_call: float
    server_cores_per_call: float
    memory_mb_per_call: float | None
    """By a line through all steps; None with fewer than two."""
    loopback_kbit_s: float | None

    @property
    def per_gb(self) -> float | None:
        mb = self.memory_mb_per_call
        return round(1000 / mb, 1) if mb and mb > 0 else None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"per_gb": self.per_gb}


def responses(turns: Sequence[Turn]) -> tuple[float, ...]:
    """In order of size."""
    return tuple(sorted(turn.response_s for turn in turns if turn.response_s is not None))


def why_broken(step: Step, alone: Step) -> str:
    """What is wrong with so many calls, compared with one alone; empty when nothing is."""
    if step.failed_calls:
        return f"{len(step.failed_calls)} calls failed: {step.failed_calls[0]}"
    if step.late_p99_s is None or step.late_p99_s > LATE_S:
        return CALLERS_LATE
    if step.unanswered_share > alone.unanswered_share:
        return f"{step.unanswered} of {step.turns} turns were unanswered"
    if step.p95_s is None or alone.p95_s is None:
        return "no turn was answered"
    if step.p95_s > P95_RATIO * alone.p95_s:
        ratio = step.p95_s / alone.p95_s
        slow, slow_alone = (f"{one.slow} of {one.turns}" for one in (step, alone))
        return f"p95 is {ratio:.2f} times that of one call (slow: {slow} turns, alone {slow_alone})"
    return ""


def next_count(steps: Sequence[Step], most: int) -> int | None:
    """How many calls to try next: 1, 4, 8, 16, … up to `most` until the budget breaks, then halfway between
    what was good and what was not; None when the limit is known."""
    alone = _alone(steps)
    if alone is None:
        return 1
    if why_broken(alone, alone):
        return None
    good, broken = _limits(steps, alone)
    if broken is None:
        return min(max(_SECOND_STEP, 2 * good), most) if good < most else None
    return (good + broken) // 2 if broken - good > 1 else None


def capacity(steps: Sequence[Step], cores: int) -> Capacity | None:
    """None when not even one call was within the budget; `cores`: of the machine."""
    alone = _alone(steps)
    if alone is None or why_broken(alone, alone):
        return None
    good, broken = _limits(steps, alone)
    by_count = {step.calls: step for step in steps}
    best = by_count[good]
    line = fit_line([step.calls for step in steps], [step.memory_mb for step in steps])
    return Capacity(
        calls=good,
        ended_by=why_broken(by_count[broken], alone) if broken else "",
        per_core=round(good / cores, 2),
        agent_cores_per_call=round(best.cores["agent"] / good, 4),
        server_cores_per_call=round(best.cores["server"] / good, 4),
        memory_mb_per_call=round(line.slope, 1) if line else None,
        loopback_kbit_s=best.loopback_kbit_s,
    )


def _alone(steps: Sequence[Step]) -> Step | None:
    return next((step for step in steps if step.calls == 1), None)


def _limits(steps: Sequence[Step], alone: Step) -> tuple[int, int | None]:
    """The most calls that were good below the fewest that were not, and those."""
    bad = [step.calls for step in steps if why_broken(step, alone)]
    broken = min(bad, default=None)
    good = [step.calls for step in steps if broken is None or step.calls < broken]
    return max(good), broken
