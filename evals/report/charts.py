"""What the charts show, as numbers: pure, the same for the page and for the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals.ear import metrics
from evals.ear.results import Row

RESPONSES_OF = "plain"
CUT_OFFS_OF = "pauses"

STAGES = ("words_final", "stt_final", "eot", "llm_first", "clause", "tts_first", "playout")
"""In the order of a turn."""


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One system with one patience: a line, a point or a column."""

    system: str
    patience: str

    @property
    def label(self) -> str:
        name = self.system.replace("_", " ")
        return name if self.patience in ("default", "normal") else f"{name}, {self.patience}"

    def rows(self, rows: Sequence[Row], *sets: str) -> list[Row]:
        """Its own, of those sets or of all."""
        return [
            row
            for row in rows
            if (row.system, row.patience) == (self.system, self.patience)
            and (not sets or row.set in sets)
        ]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Share of turns answered after at most so long, of all turns: a turn that was cut off or
    not answered never gets there."""

    label: str
    times_s: tuple[float, ...]
    """In order of size; the n-th was reached by n of `turns`."""
    turns: int


@dataclass(frozen=True, kw_only=True)
class Point:
    """How often a system cuts in, and how long it makes others wait in exchange."""

    label: str
    p50_s: float
    mean_s: float
    turns: int
    """Answered, behind the times."""
    cut_off: float
    interval: tuple[float, float]
    """95 %, of the share."""
    pauses_turns: int
    """Turns with inner pauses, behind the share."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """From the end of speech to one point of the way, as the product's records have it."""

    name: str
    n: int
    p50_s: float
    p95_s: float


def contestants(rows: Sequence[Row]) -> list[Contestant]:
    """In the order in which they appear, ours first."""
    keys = dict.fromkeys((row.system, row.patience) for row in rows)
    found = [Contestant(system=system, patience=patience) for system, patience in keys]
    return sorted(found, key=lambda it: not it.system.startswith("parley"))


def response_curves(rows: Sequence[Row], name: str) -> list[Curve]:
    """One for each system with turns in the set."""
    curves = []
    for contestant in contestants(rows):
        times = metrics.response(contestant.rows(rows, name))
        if turns := times.n + times.failed:
            curves.append(Curve(label=contestant.label, times_s=times.values_s, turns=turns))
    return curves


def trade_off(rows: Sequence[Row]) -> list[Point]:
    """One for each system that has both figures: times from the plain turns, cut-offs from those
    with inner pauses."""
    points = []
    for contestant in contestants(rows):
        times = metrics.response(contestant.rows(rows, RESPONSES_OF))
        share = metrics.cut_offs(contestant.rows(rows, CUT_OFFS_OF))
        if None in (times.p50_s, times.mean_s, share.value, share.interval):
            continue
        assert times.p50_s and times.mean_s and share.value is not None and share.interval
        points.append(
            Point(
                label=contestant.label,
                p50_s=times.p50_s,
                mean_s=times.mean_s,
                turns=times.n,
                cut_off=share.value,
                interval=share.interval,
                pauses_turns=share.n,
            )
        )
    return points


def stages(rows: Sequence[Row]) -> list[Stage]:
    """Of the rows of one system; without those that no record has."""
    found = []
    for name in STAGES:
        times = metrics.stage_times(rows, name)
        if times.p50_s is not None and times.p95_s is not None:
            found.append(Stage(name=name, n=times.n, p50_s=times.p50_s, p95_s=times.p95_s))
    return found
