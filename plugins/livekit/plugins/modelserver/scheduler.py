"""Which step an engine makes next: the one that is due first. Pure; time comes in as an argument.

A step is due when it arrives plus the *slack* of its kind: somebody waits for a FINAL, nobody dies
of a late interim. So a FINAL goes before an interim that came up to a second earlier, and speech that
is needed now before speech that is needed in two seconds. As nothing has more slack than
`LONGEST_SLACK_S`, nothing starves: what comes after a step's due time is due later than it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

LONGEST_SLACK_S = 2.0


class JobKind(StrEnum):
    """What a step is for; also a label of the metrics."""

    CLOSE = "close"
    """Frees a session or ends a synthesis."""
    OPEN = "open"
    FINAL = "final"
    FIRST = "first"
    """Speech that somebody waits for."""
    LATER = "later"
    """Speech that follows some that is still being played."""
    AUDIO = "audio"
    """Sound for a session that cannot hear without decoding."""
    PARTIAL = "partial"


_SLACK_S = {
    JobKind.CLOSE: 0.0,
    JobKind.OPEN: 0.0,
    JobKind.FINAL: 0.0,
    JobKind.FIRST: 0.0,
    JobKind.LATER: LONGEST_SLACK_S,
    JobKind.AUDIO: 0.2,
    JobKind.PARTIAL: 1.0,
}
_REPLACEABLE = (JobKind.AUDIO, JobKind.PARTIAL)


class QueueFull(Exception):
    """More steps wait than the queue holds."""


@dataclass(frozen=True, slots=True)
class Batch:
    """How a step may be made together with others."""

    key: Hashable
    """Of steps that may."""
    item: Any
    run: Callable[[list[Any]], list[Any]]
    """Takes the items, returns what each step would have returned."""
    most: int
    """Steps at a time."""


@dataclass(slots=True, eq=False)
class Job:
    """One step of one session."""

    kind: JobKind
    key: Hashable
    """The session. Its steps never run at the same time."""
    run: Callable[[], Any]
    needed_s: float | None = None
    """When its speech is needed, if that is known: then it is due, but not before it arrives, nor
    more than the slack of its kind after."""
    is_first: bool = False
    """The first of its session: refused when the queue is full."""
    timeout_s: float = math.inf
    """A step that runs for longer hangs."""
    batch: Batch | None = None
    arrived_s: float = field(default=0.0, init=False)
    due_s: float = field(default=0.0, init=False)
    started_s: float | None = field(default=None, init=False)
    number: int = field(default=0, init=False)


class JobQueue:
    """The steps that wait for one engine's threads.

    Bounded: new sessions are refused when `max_waiting` steps wait. What an open one needs is never
    refused: each has one step waiting at most.
    """

    def __init__(self, *, max_waiting: int = 256) -> None:
        self._max_waiting = max_waiting
        self._waiting: dict[Hashable, Job] = {}
        self._running: set[Hashable] = set()
        self._count = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def depths(self) -> Counter[JobKind]:
        """How many wait, by kind."""
        return Counter(job.kind for job in self._waiting.values())

    def ahead_of(self, due_s: float) -> int:
        """How many wait that are due until then."""
        return sum(job.due_s <= due_s for job in self._waiting.values())

    def put(self, job: Job, now_s: float) -> Job | None:
        """Adds a step; returns the one of the same session whose place it takes.

        A newer interim replaces the older, and a FINAL replaces an interim: the newer decodes all
        that the older would have. It inherits the older's due time. Raises QueueFull.
        """
        older = self._waiting.get(job.key)
        if older is not None and older.kind not in _REPLACEABLE:
            raise ValueError(f"a {older.kind} of this session waits already")
        if job.is_first and len(self._waiting) >= self._max_waiting:
            raise QueueFull(f"{len(self._waiting)} steps wait already")
        self._count += 1
        job.number, job.arrived_s = self._count, now_s
        job.due_s = now_s + _SLACK_S[job.kind]
        if job.needed_s is not None:
            job.due_s = max(now_s, min(job.needed_s, job.due_s))
        if older is not None:
            job.due_s = min(job.due_s, older.due_s)
        self._waiting[job.key] = job
        return older

    def take(self, now_s: float) -> list[Job]:
        """The step to make now, or several to make together; none when nothing can be begun.

        Whoever takes them calls `done` afterwards.
        """
        first = min(self._ready(), key=_order, default=None)
        if first is None:
            return []
        jobs = [first]
        if batch := first.batch:
            alike = (job for job in self._ready() if job.batch and job.batch.key == batch.key)
            jobs = sorted(alike, key=_order)[: batch.most]
        for job in jobs:
            job.started_s = now_s
            del self._waiting[job.key]
            self._running.add(job.key)
        return jobs

    def done(self, jobs: list[Job]) -> None:
        """These have been made: their sessions may have others made."""
        self._running.difference_update(job.key for job in jobs)

    def cancel(self, key: Hashable) -> Job | None:
        """Forgets the session's waiting step, if there is one; it will not run."""
        return self._waiting.pop(key, None)

    def drop_all_but_closing(self) -> None:
        """For the end: only what frees something still runs."""
        closing = (item for item in self._waiting.items() if item[1].kind is JobKind.CLOSE)
        self._waiting = dict(closing)

    def _ready(self) -> Iterator[Job]:
        return (job for job in self._waiting.values() if job.key not in self._running)


def _order(job: Job) -> tuple[float, int]:
    return job.due_s, job.number
