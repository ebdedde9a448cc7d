"""How long callers wait for a model server that many share: its own queue, fed with measured times.

    python -m evals.capacity

A discrete-event simulation. The queue is the model server's (`modelserver.scheduler.JobQueue`), with its
deadlines and its newer interims that replace older ones; only the clock is made, and a step takes what
`evals/results/engines.json` says that it took. With Poisson arrivals it gives the waits of the textbook's
M/D/1, M/M/1 and M/M/2 queues (tests/unit/test_capacity.py). Left out: batches, and what else the same
processors do.
"""

from __future__ import annotations

import heapq
import json
import math
import operator
import random
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from typing import Any

from livekit.plugins.modelserver.scheduler import Job, JobKind, JobQueue
from rich.console import Console
from rich.table import Table

from evals.ear.metrics import percentile

ENGINES = Path(__file__).parent / "results" / "engines.json"

BUDGET_S = 0.1
"""What others may add to a caller's p95."""
_PAUSE_S = 0.24
"""After the last sound a pause is decoded: 0.1 s until it is told, 0.14 s until it is believed."""
_TURNS = 600
_NO_LIMIT = 1 << 30
_Z95 = 1.645

Work = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Ask:
    """A step that somebody asks for."""

    at_s: float
    kind: JobKind
    key: Hashable
    """Of the caller, whose steps never run at the same time."""
    work: Work
    """Called when the step begins: how long it takes, in seconds."""
    needed_s: float | None = None


@dataclass(frozen=True, slots=True)
class Made:
    kind: JobKind
    waited_s: float
    """From being asked for to its beginning."""
    took_s: float


@dataclass(frozen=True, kw_only=True)
class Talk:
    """How a caller talks. Seconds."""

    spoken_s: tuple[float, float] = (1.0, 5.0)
    """A turn's length is anywhere in between."""
    turn_s: float = 9.0
    """From the beginning of a turn to that of the next, in the mean: the agent's answer and its pauses lie in it."""
    flush_s: float = 0.3
    """From the last sound to the question for the FINAL."""
    clauses_s: tuple[float, ...] = (1.2, 1.4, 1.4)
    """Of an answer, as they are spoken."""
    is_even: bool = False
    """All turns are alike and come at the same distance."""


def serve(asks: Iterable[Ask], threads: int = 1) -> Iterator[Made]:
    """The steps in the order in which they begin; `asks` in the order of their time."""
    server = _Server(threads)
    for ask in asks:
        yield from server.until(ask.at_s)
        yield from server.take(ask)
    yield from server.until(math.inf)


class _Server:
    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._queue = JobQueue(max_waiting=_NO_LIMIT)
        self._numbers = count()
        self._running: list[tuple[float, int, list[Job]]] = []
        """A heap by when they will have been made."""

    def take(self, ask: Ask) -> Iterator[Made]:
        job = Job(kind=ask.kind, key=ask.key, run=ask.work, needed_s=ask.needed_s)
        with suppress(ValueError):  # the caller's last FINAL still waits: its sound is held back
            self._queue.put(job, ask.at_s)
        yield from self._begin(ask.at_s)

    def until(self, at_s: float) -> Iterator[Made]:
        while self._running and self._running[0][0] <= at_s:
            end_s, _, jobs = heapq.heappop(self._running)
            self._queue.done(jobs)
            yield from self._begin(end_s)

    def _begin(self, now_s: float) -> Iterator[Made]:
        while len(self._running) < self._threads and (jobs := self._queue.take(now_s)):
            took_s = jobs[0].run()
            heapq.heappush(self._running, (now_s + took_s, next(self._numbers), jobs))
            yield Made(jobs[0].kind, now_s - jobs[0].arrived_s, took_s)


@dataclass(frozen=True, kw_only=True)
class Recogniser:
    """What the steps of a Whisper take. Seconds."""

    decode: Callable[[float], float]
    """By seconds of speech."""
    settled_s: float
    """A FINAL whose text is there already."""
    interim_s: float
    """Between two interims while a caller speaks."""

    @classmethod
    def measured(cls, engines: Mapping[str, Any], size: str, seed: int = 0) -> Recogniser:
        """`engines`: the content of engines.json. Times are scattered as they were measured."""
        alone = next(
            row for row in engines["calls"]["rows"] if row["what"] == "1 callers, one model server"
        )
        return cls(
            decode=_decode_times(engines, size, seed),
            settled_s=alone["final_p50_s"],
            interim_s=1 / alone["partials_per_spoken_s"],
        )


def hearing(calls: int, talk: Talk, recogniser: Recogniser, seed: int = 0) -> list[Ask]:
    """What a recogniser is asked by so many calls."""
    rng = random.Random(seed)
    asks: list[Ask] = []
    for call in range(calls):
        for begin_s, spoken_s in _turns(talk, rng, math.ceil(_TURNS / calls)):
            asks += _Turn(spoken_s, recogniser).asks(call, begin_s, talk.flush_s)
    return sorted(asks, key=lambda ask: ask.at_s)


def speaking(calls: int, talk: Talk, rtf: float, seed: int = 0) -> list[Ask]:
    """What a voice is asked by so many calls: the clauses of each answer; `rtf`: work by sound."""
    rng = random.Random(seed)
    asks: list[Ask] = []
    for call in range(calls):
        for turn, (begin_s, spoken_s) in enumerate(_turns(talk, rng, math.ceil(_TURNS / calls))):
            at_s = needed_s = begin_s + spoken_s + talk.flush_s
            for number, clause_s in enumerate(talk.clauses_s):
                kind = JobKind.LATER if number else JobKind.FIRST
                key = (call, turn, number)
                asks.append(Ask(at_s, kind, key, partial(operator.mul, rtf, clause_s), needed_s))
                needed_s += clause_s
    return sorted(asks, key=lambda ask: ask.at_s)


def late_p95_s(made: Iterable[Made], kind: JobKind) -> float:
    """How long after it was asked for such a step has been made."""
    late_s = sorted(one.waited_s + one.took_s for one in made if one.kind is kind)
    return percentile(late_s, 0.95) or 0.0


def most_calls(p95_s: Callable[[int], float], budget_s: float = BUDGET_S) -> int:
    """For how many calls `p95_s` of their number, which it grows with, is within the budget."""
    limit_s = p95_s(1) + budget_s
    good, broken = 1, 2
    while p95_s(broken) <= limit_s:
        good, broken = broken, 2 * broken
    while broken - good > 1:
        middle = (good + broken) // 2
        good, broken = (middle, broken) if p95_s(middle) <= limit_s else (good, middle)
    return good


def _decode_times(engines: Mapping[str, Any], size: str, seed: int) -> Callable[[float], float]:
    """Measured times of a Whisper: of that length or between those measured, and as scattered."""
    rows = [
        (float(row["what"].split(" of ")[1].removesuffix(" s")), row["ours"])
        for row in engines["whisper"]["rows"]
        if row["what"].startswith(f"whisper {size},")
    ]
    points = [
        (length_s, times["p50_s"]) for length_s, times in sorted(rows, key=lambda row: row[0])
    ]
    spread = max(math.log(times["p95_s"] / times["p50_s"]) / _Z95 for _, times in rows)
    rng = random.Random(seed)
    return lambda length_s: between(points, length_s) * rng.lognormvariate(0.0, spread)


def between(points: Sequence[tuple[float, float]], x: float) -> float:
    """On the line through the neighbours; beyond the ends the end's own value."""
    if x <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in pairwise(points):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return points[-1][1]


def final_p95_s(engines: Mapping[str, Any], size: str, calls: int, talk: Talk) -> float:
    """From the question to the FINAL, with so many callers on one thread."""
    recogniser = Recogniser.measured(engines, size)
    return late_p95_s(serve(hearing(calls, talk, recogniser)), JobKind.FINAL)


def first_p95_s(rtf: float, calls: int, talk: Talk) -> float:
    """From an answer's words to its first clause as sound, with so many callers on one voice."""
    return late_p95_s(serve(speaking(calls, talk, rtf)), JobKind.FIRST)


def voice_rtf(engines: Mapping[str, Any], what: str = "kokoro fp32, 2 threads") -> float:
    """Seconds of work for a second of sound."""
    return float(
        next(row["rtf_p50"] for row in engines["precision"]["rows"] if row["what"] == what)
    )


def _turns(talk: Talk, rng: random.Random, number: int) -> Iterator[tuple[float, float]]:
    """When each of a caller's turns begins, and how long it is."""
    low_s, high_s = talk.spoken_s
    at_s = rng.uniform(0, talk.turn_s)
    for _ in range(number):
        spoken_s = rng.uniform(low_s, high_s)
        yield at_s, spoken_s
        if talk.is_even:
            at_s += talk.turn_s
        else:
            quiet_s = talk.turn_s - (low_s + high_s) / 2
            at_s += spoken_s + talk.flush_s + rng.expovariate(1 / (quiet_s - talk.flush_s))


@dataclass
class _Turn:
    """What a recogniser does for one turn; its FINAL is quick once the pause has been decoded."""

    spoken_s: float
    recogniser: Recogniser
    _is_settled: bool = False

    def asks(self, call: int, begin_s: float, flush_s: float) -> Iterator[Ask]:
        step_s, decode = self.recogniser.interim_s, self.recogniser.decode
        for number in range(1, math.ceil(self.spoken_s / step_s)):
            said_s = number * step_s
            yield Ask(begin_s + said_s, JobKind.PARTIAL, call, partial(decode, said_s))
        end_s = begin_s + self.spoken_s
        yield Ask(end_s + _PAUSE_S, JobKind.PARTIAL, call, self._pause)
        yield Ask(end_s + flush_s, JobKind.FINAL, call, self._final)

    def _pause(self) -> float:
        self._is_settled = True
        return self.recogniser.decode(self.spoken_s)

    def _final(self) -> float:
        if self._is_settled:
            return self.recogniser.settled_s
        return self.recogniser.decode(self.spoken_s)


def main() -> None:
    engines = json.loads(ENGINES.read_text(encoding="utf-8"))
    talk = Talk()
    table = Table("", "calls", "p95 s", title="one thread of a model server, measured times")
    for size in ("tiny", "base"):
        for calls in (1, 2, 4, 8, 16, 32):
            table.add_row(
                f"Whisper {size}, FINAL",
                str(calls),
                f"{final_p95_s(engines, size, calls, talk):.3f}",
            )
    for calls in (1, 2, 4, 8):
        p95_s = first_p95_s(voice_rtf(engines), calls, talk)
        table.add_row("Kokoro on two cores, first clause", str(calls), f"{p95_s:.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
