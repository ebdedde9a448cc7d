"""What many events amount to. Names as on the tau-voice leaderboard: L_R, R_R, L_Y, R_Y, I_A, S_BC,
S_ND; each figure with what it is made of and what could not be measured."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from evals.ear.heard import DIRECTED
from evals.ear.results import Row

SLOW_S = 1.5
"""Response times have two modes, parted here: the end was seen, or waited for."""

UNDIRECTED = ("cough", "noise", "side_talk")

_Z = 1.959964


@dataclass(frozen=True, kw_only=True)
class Times:
    """How long something took, where it took place."""

    values_s: tuple[float, ...]
    """In order of size."""
    failed: int
    """How often it should have taken place and did not."""
    unmeasured: int

    @property
    def n(self) -> int:
        return len(self.values_s)

    @property
    def p50_s(self) -> float | None:
        return percentile(self.values_s, 0.5)

    @property
    def p95_s(self) -> float | None:
        return percentile(self.values_s, 0.95)

    @property
    def mean_s(self) -> float | None:
        return statistics.fmean(self.values_s) if self.values_s else None


@dataclass(frozen=True, kw_only=True)
class Share:
    """How often something was so."""

    hits: int
    n: int
    unmeasured: int

    @property
    def value(self) -> float | None:
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % (Wilson)."""
        return wilson(self.hits, self.n)


@dataclass(frozen=True, kw_only=True)
class CrossCheck:
    """The agent's own records against the ear, for the same answers.

    The ear's response time is the record's `playout_s` and the path. The path is measured apart
    from both, with an agent that only echoes; what is left over is an error of the record.
    """

    difference: Times
    """`response_s` − `playout_s`; unmeasured are answers without a record."""
    path_s: float | None
    """Median of the path, None when it was not measured."""

    @property
    def deviations_s(self) -> tuple[float, ...]:
        """What is left over of each difference without the path, either way, in order of size."""
        if self.path_s is None:
            return ()
        return tuple(sorted(abs(value_s - self.path_s) for value_s in self.difference.values_s))

    @property
    def p95_deviation_s(self) -> float | None:
        return percentile(self.deviations_s, 0.95)

    @property
    def bias_s(self) -> float | None:
        """How much longer the ear waits than record and path say, in the median."""
        middle_s = self.difference.p50_s
        return None if middle_s is None or self.path_s is None else middle_s - self.path_s


def percentile(values: Sequence[float], share: float) -> float | None:
    """Nearest rank: a value that occurred. `values` in order of size."""
    return values[max(1, math.ceil(share * len(values))) - 1] if values else None


def wilson(hits: int, n: int) -> tuple[float, float] | None:
    """The 95 % interval of a share."""
    if not n:
        return None
    share, spread = hits / n, _Z**2 / n
    centre = (share + spread / 2) / (1 + spread)
    reach = _Z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / n / 4)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def response(rows: Iterable[Row]) -> Times:
    """L_R: turns that were heard to their end, from that end to the first sound."""
    turns = _of_kind(rows, "turn")
    answered = [row for row in turns if row.result.outcome == "answered"]
    return _times(
        (row.result.response_s for row in answered),
        failed=sum(row.result.outcome in ("cut_off", "unanswered") for row in turns),
        unmeasured=_unmeasured(turns),
    )


def responded(rows: Iterable[Row]) -> Share:
    """R_R: turns with a reply after their end."""
    return _share(_of_kind(rows, "turn"), lambda row: row.result.response_s is not None)


def unanswered(rows: Iterable[Row]) -> Share:
    return _share(_of_kind(rows, "turn"), lambda row: row.result.outcome == "unanswered")


def cut_offs(rows: Iterable[Row]) -> Share:
    """Turns in which a reply began before they were over."""
    return _share(_of_kind(rows, "turn"), lambda row: row.result.outcome == "cut_off")


def pauses_cut(rows: Iterable[Row]) -> Share:
    """Inner pauses that were taken for the end, of those that were come to."""
    turns = _of_kind(rows, "turn")
    measured = [row for row in turns if row.result.outcome != "unmeasured"]
    return Share(
        hits=sum(row.result.cut_pause_s is not None for row in measured),
        n=sum(_pauses_come_to(row) for row in measured),
        unmeasured=sum(len(row.result.event.pauses_s) for row in turns if row not in measured),
    )


def yielded(rows: Iterable[Row]) -> Share:
    """R_Y: interruptions at which the agent fell silent."""
    return _share(_of_kind(rows, "interruption"), lambda row: row.result.outcome == "yielded")


def yield_time(rows: Iterable[Row]) -> Times:
    """L_Y: from the start of an interruption until the agent is silent."""
    interruptions = _of_kind(rows, "interruption")
    return _times(
        (row.result.stop_s for row in interruptions if row.result.outcome == "yielded"),
        failed=sum(row.result.outcome == "not_yielded" for row in interruptions),
        unmeasured=_unmeasured(interruptions),
    )


def response_to_interruption(rows: Iterable[Row]) -> Times:
    """From the end of an interruption that was yielded to, to the new reply."""
    yielded_to = [row for row in _of_kind(rows, "interruption") if row.result.outcome == "yielded"]
    times = [row.result.response_s for row in yielded_to]
    return _times(times, failed=times.count(None), unmeasured=0)


def interrupts(rows: Iterable[Row]) -> Share:
    """I_A: turns in whose words, not pauses, the agent began to speak."""
    return _share(_of_kind(rows, *DIRECTED), lambda row: row.result.agent_interrupts)


def backchannels_survived(rows: Iterable[Row]) -> Share:
    """S_BC."""
    return _survived(_of_kind(rows, "backchannel"))


def undirected_survived(rows: Iterable[Row]) -> Share:
    """S_ND: coughs, noises and words to somebody else."""
    return _survived(_of_kind(rows, *UNDIRECTED))


def echo_taken(rows: Iterable[Row]) -> Share:
    """Answers that broke off, or were followed by one to nobody, while the microphone heard them."""
    answers = [row for row in _of_kind(rows, "turn") if row.result.outcome == "answered"]
    return _share(answers, lambda row: row.result.replies > 1 or row.result.reply_whole is False)


def cross_check(
    rows: Iterable[Row],
    path_s: float | None,
    tail_s: Callable[[str], float] = lambda utterance: 0.0,
) -> CrossCheck:
    """Over the answered turns; `path_s` is the median of the path in the same run.

    `tail_s` says of an utterance how long its speech is over before its last audible sample.
    """
    answered = [row.result for row in _of_kind(rows, "turn") if row.result.outcome == "answered"]
    differences_s = [
        result.response_s + tail_s(result.event.utterance) - result.stage_s["playout"]
        if result.response_s is not None and "playout" in result.stage_s
        else None
        for result in answered
    ]
    missing = differences_s.count(None)
    difference = _times(differences_s, failed=0, unmeasured=missing)
    return CrossCheck(difference=difference, path_s=path_s)


def stage_times(rows: Iterable[Row], stage: str) -> Times:
    """Of the agent's records: seconds after the end of speech, as the agent saw it."""
    found = [row for row in rows if row.result.outcome == "answered" and row.result.stage_s]
    times = [row.result.stage_s.get(stage) for row in found]
    return _times(times, failed=0, unmeasured=times.count(None))


def _of_kind(rows: Iterable[Row], *kinds: str) -> list[Row]:
    return [row for row in rows if row.result.event.kind in kinds]


def _unmeasured(rows: Sequence[Row]) -> int:
    return sum(row.result.outcome == "unmeasured" for row in rows)


def _times(values_s: Iterable[float | None], *, failed: int, unmeasured: int) -> Times:
    known_s = sorted(value for value in values_s if value is not None)
    return Times(values_s=tuple(known_s), failed=failed, unmeasured=unmeasured)


def _share(rows: Sequence[Row], is_hit: Callable[[Row], bool]) -> Share:
    measured = [row for row in rows if row.result.outcome != "unmeasured"]
    return Share(
        hits=sum(is_hit(row) for row in measured),
        n=len(measured),
        unmeasured=len(rows) - len(measured),
    )


def _survived(rows: Sequence[Row]) -> Share:
    return _share(rows, lambda row: row.result.outcome == "survived")


def _pauses_come_to(row: Row) -> int:
    """Those up to the moment at which the agent began; after it the caller was disturbed."""
    result = row.result
    onset_s = result.onset_s if result.outcome == "cut_off" else None
    until_s = math.inf if onset_s is None else onset_s
    return sum(start_s <= until_s for start_s, _ in result.event.pauses_s)
