"""What Parley is to reach in a run, and whether it did."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from evals.ear import metrics
from evals.ear.metrics import Share, Times
from evals.ear.results import Results, Row
from evals.ear.vad_figures import VadFigures
from evals.ear.voices import tail_s

OURS = "parley"
PATIENCE = "normal"
BASELINE = "stock_v1_mini"
TIMED_SETS = ("plain", "human", "interruptions")
"""Times count in them, of the others only shares do: fewer of their calls are made side by side."""

UNFINISHED = ("pauses",)
DICTATED = ("numbers", "spelling", "emails", "hesitations")

State = Literal["met", "missed", "too few", "NOT MEASURED"]
Unit = Literal["s", "%", "ratio", "count", "µs"]
ENOUGH: dict[Unit, int] = {"%": 100, "count": 100, "s": 30, "ratio": 30, "µs": 30}
"""With fewer events nothing is claimed, be it met or missed."""
Measure = Callable[[Sequence[Row]], tuple[float | None, int]]


@dataclass(frozen=True, kw_only=True)
class Target:
    """One figure and its limit."""

    number: int | None
    """In the table of targets; None for the agreement that the issue asks for."""
    what: str
    measure: Measure
    limit: float
    unit: Unit = "s"
    sets: tuple[str, ...] = ()
    """Empty for all."""
    tags: tuple[str, ...] = ()
    """Only events with one of these; empty for all."""
    pauses: bool | None = None
    """Whether only turns with inner pauses count, or only turns without."""
    at_least: bool = False
    against: str | None = None
    """The figure is divided by that of this system."""
    system: str = OURS


@dataclass(frozen=True, kw_only=True)
class Verdict:
    target: Target
    value: float | None
    n: int
    state: State


def judge(target: Target, rows: Sequence[Row]) -> Verdict:
    """`rows` are those of the whole run."""
    value, n = target.measure(_rows_of(rows, target, target.system))
    if target.against is not None:
        other, _ = target.measure(_rows_of(rows, target, target.against))
        value = value / other if value is not None and other else None
    if value is None:
        return Verdict(target=target, value=None, n=n, state="NOT MEASURED")
    is_met = value >= target.limit if target.at_least else value <= target.limit
    state: State = "met" if is_met else "missed"
    if n < ENOUGH[target.unit] and not math.isinf(value):
        state = "too few"
    return Verdict(target=target, value=value, n=n, state=state)


def _rows_of(rows: Sequence[Row], target: Target, system: str) -> list[Row]:
    return [
        row
        for row in rows
        if row.system == system
        and (not row.system.startswith(OURS) or row.patience == PATIENCE)
        and (not target.sets or row.set in target.sets)
        and (not target.tags or set(target.tags) & set(row.result.event.tags))
        and (target.pauses is None or bool(row.result.event.pauses_s) is target.pauses)
    ]


def _p50(measure: Callable[[Sequence[Row]], Times]) -> Measure:
    return _percentile(measure, 0.5)


def _p95(measure: Callable[[Sequence[Row]], Times]) -> Measure:
    return _percentile(measure, 0.95)


def _percentile(measure: Callable[[Sequence[Row]], Times], share: float) -> Measure:
    def value(rows: Sequence[Row]) -> tuple[float | None, int]:
        times = measure(rows)
        if not times.n and times.failed:
            return math.inf, 0
        return metrics.percentile(times.values_s, share), times.n

    return value


def _share(measure: Callable[[Sequence[Row]], Share]) -> Measure:
    def value(rows: Sequence[Row]) -> tuple[float | None, int]:
        share = measure(rows)
        return share.value, share.n

    return value


def _count(measure: Callable[[Sequence[Row]], Share]) -> Measure:
    def value(rows: Sequence[Row]) -> tuple[float | None, int]:
        share = measure(rows)
        return (float(share.hits) if share.n else None), share.n

    return value


def _response(voices: str, name: str) -> list[Target]:
    def target(what: str, measure: Measure, limit: float, against: str | None = None) -> Target:
        unit: Unit = "ratio" if against else "s"
        return Target(
            number=1,
            what=f"response, {voices} voices, {what}",
            measure=measure,
            limit=limit,
            unit=unit,
            sets=(name,),
            pauses=False,
            against=against,
        )

    p50, p95 = _p50(metrics.response), _p95(metrics.response)
    return [
        target("p50", p50, 0.4),
        target("p95", p95, 0.6),
        target("p50 against stock", p50, 0.7, BASELINE),
        target("p95 against stock", p95, 0.25, BASELINE),
    ]


def _cut(
    number: int, what: str, limit: float, *, sets: tuple[str, ...] = (), tags: tuple[str, ...] = ()
) -> Target:
    return Target(
        number=number,
        what=what,
        measure=_share(metrics.pauses_cut),
        limit=limit,
        unit="%",
        sets=sets,
        tags=tags,
    )


def judge_all(results: Results, vad: VadFigures | None) -> list[Verdict]:
    """Every target; `vad` is None where the labelled recordings are missing."""
    path_s = (results.conditions.get("path") or {}).get("p50_s")
    agreement = [
        _agreement(path_s, "synthetic", ("plain", "interruptions")),
        _agreement(path_s, "human", ("human",)),
    ]
    targets = [*TARGETS, *agreement, *_vad(vad)]
    return [judge(target, results.rows) for target in targets]


def _agreement(path_s: float | None, voices: str, sets: tuple[str, ...]) -> Target:
    def measure(rows: Sequence[Row]) -> tuple[float | None, int]:
        check = metrics.cross_check(rows, path_s, tail_s)
        return check.p95_deviation_s, len(check.deviations_s)

    return Target(
        number=None,
        what=f"the product's own record against the ear, path taken off, {voices} voices, p95",
        measure=measure,
        limit=0.05,
        sets=sets,
    )


def _vad(figures: VadFigures | None) -> list[Target]:
    def of(value: float | None) -> Measure:
        return lambda _: (value, figures.windows if figures else 0)

    return [
        Target(
            number=15,
            what="VAD, each window of 32 ms, p50",
            measure=of(figures.p50_us if figures else None),
            limit=40,
            unit="µs",
        ),
        Target(
            number=15,
            what="VAD, average precision",
            measure=of(figures.average_precision if figures else None),
            limit=0.98,
            unit="ratio",
            at_least=True,
        ),
    ]


TARGETS: tuple[Target, ...] = (
    *_response("synthetic", "plain"),
    *_response("human", "human"),
    _cut(2, "inner pauses of 0.3–2 s cut", 0.05, sets=("pauses", "human")),
    _cut(2, "those of them in unfinished phrases", 0.05, sets=("pauses",), tags=UNFINISHED),
    _cut(3, "pauses in numbers, spelling, e-mail, hesitation cut", 0.03, tags=DICTATED),
    Target(
        number=4,
        what="interruptions yielded to",
        measure=_share(metrics.yielded),
        limit=0.98,
        unit="%",
        sets=("interruptions",),
        at_least=True,
    ),
    Target(
        number=4,
        what="silent after an interruption began, p50",
        measure=_p50(metrics.yield_time),
        limit=0.45,
        sets=("interruptions",),
    ),
    Target(
        number=4,
        what="silent after an interruption began, p95",
        measure=_p95(metrics.yield_time),
        limit=0.6,
        sets=("interruptions",),
    ),
    Target(
        number=5,
        what="backchannels survived",
        measure=_share(metrics.backchannels_survived),
        limit=0.9,
        unit="%",
        at_least=True,
    ),
    Target(
        number=5,
        what="coughs, noises and side talk survived",
        measure=_share(metrics.undirected_survived),
        limit=0.9,
        unit="%",
        at_least=True,
    ),
    Target(
        number=6,
        what="echo of the agent taken for the caller",
        measure=_count(metrics.echo_taken),
        limit=0,
        unit="count",
        sets=("echo",),
    ),
    Target(
        number=7,
        what="turns in which the agent interrupts the caller",
        measure=_share(metrics.interrupts),
        limit=0.05,
        unit="%",
    ),
    Target(
        number=8,
        what="unanswered turns",
        measure=_count(metrics.unanswered),
        limit=0,
        unit="count",
    ),
    Target(
        number=9,
        what="response, embedded profile, p50",
        measure=_p50(metrics.response),
        limit=0.7,
        sets=("plain", "human"),
        system="parley_embedded",
    ),
)
