"""Which step comes next."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from livekit.plugins.modelserver.scheduler import (
    LONGEST_SLACK_S,
    Batch,
    Job,
    JobKind,
    JobQueue,
    QueueFull,
)


def job(kind: JobKind, key: Hashable, **options: Any) -> Job:
    return Job(kind, key, lambda: None, **options)


def order(queue: JobQueue, now_s: float = 0.0) -> list[Hashable]:
    """The sessions in the order in which their steps are made, one thread making them."""
    keys: list[Hashable] = []
    while jobs := queue.take(now_s):
        keys += [job.key for job in jobs]
        queue.done(jobs)
    return keys


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (JobKind.PARTIAL, JobKind.FINAL),
        (JobKind.PARTIAL, JobKind.FIRST),
        (JobKind.PARTIAL, JobKind.AUDIO),
        (JobKind.PARTIAL, JobKind.OPEN),
        (JobKind.AUDIO, JobKind.FINAL),
        (JobKind.LATER, JobKind.FIRST),
        (JobKind.LATER, JobKind.FINAL),
        (JobKind.LATER, JobKind.CLOSE),
    ],
)
def test_what_somebody_waits_for_overtakes_what_can_wait(first: JobKind, second: JobKind) -> None:
    queue = JobQueue()
    queue.put(job(first, "came first"), 0.0)
    queue.put(job(second, "is waited for"), 0.5 if first is not JobKind.AUDIO else 0.1)
    assert order(queue) == ["is waited for", "came first"]


@pytest.mark.parametrize("kind", JobKind)
def test_steps_of_one_kind_are_made_in_their_order(kind: JobKind) -> None:
    queue = JobQueue()
    for key in "abc":
        queue.put(job(kind, key), 0.0)
    assert order(queue) == ["a", "b", "c"]


def test_speech_that_is_needed_sooner_is_made_first() -> None:
    queue = JobQueue()
    queue.put(job(JobKind.LATER, "fifth clause", needed_s=11.5), 10.0)
    queue.put(job(JobKind.LATER, "second clause", needed_s=10.8), 10.0)
    queue.put(job(JobKind.FIRST, "first clause", needed_s=10.3), 10.3)
    assert order(queue) == ["first clause", "second clause", "fifth clause"]


def test_an_old_interim_goes_before_a_new_final() -> None:
    queue = JobQueue()
    queue.put(job(JobKind.PARTIAL, "old"), 0.0)
    queue.put(job(JobKind.FINAL, "new"), 1.5)
    assert order(queue) == ["old", "new"]


def test_a_newer_interim_replaces_the_older_and_keeps_its_place() -> None:
    queue = JobQueue()
    older = job(JobKind.PARTIAL, "a")
    queue.put(older, 0.0)
    queue.put(job(JobKind.PARTIAL, "b"), 0.1)
    assert queue.put(job(JobKind.PARTIAL, "a"), 0.2) is older
    assert len(queue) == 2
    assert order(queue) == ["a", "b"]


def test_a_final_replaces_the_interim_of_its_session() -> None:
    queue = JobQueue()
    interim, final = job(JobKind.PARTIAL, "a"), job(JobKind.FINAL, "a")
    queue.put(interim, 0.0)
    assert queue.put(final, 0.1) is interim
    assert queue.take(0.2) == [final]


def test_a_final_is_never_replaced() -> None:
    queue = JobQueue()
    queue.put(job(JobKind.FINAL, "a"), 0.0)
    with pytest.raises(ValueError, match="a final of this session waits"):
        queue.put(job(JobKind.PARTIAL, "a"), 0.1)


def test_a_session_has_one_step_running_at_a_time() -> None:
    queue = JobQueue()
    queue.put(job(JobKind.PARTIAL, "a"), 0.0)
    running = queue.take(0.0)
    queue.put(job(JobKind.FINAL, "a"), 0.1)
    assert queue.take(0.1) == []
    queue.done(running)
    assert [j.kind for j in queue.take(0.2)] == [JobKind.FINAL]


def test_speech_that_is_late_goes_before_nothing_that_waits_already() -> None:
    queue = JobQueue()
    queue.put(job(JobKind.FIRST, "waits"), 10.0)
    queue.put(job(JobKind.FIRST, "is late", needed_s=3.0), 10.1)
    assert order(queue) == ["waits", "is late"]


def test_a_full_queue_refuses_new_sessions_and_nothing_of_open_ones() -> None:
    queue = JobQueue(max_waiting=2)
    queue.put(job(JobKind.OPEN, "a", is_first=True), 0.0)
    queue.put(job(JobKind.FIRST, "b", is_first=True), 0.0)
    with pytest.raises(QueueFull):
        queue.put(job(JobKind.OPEN, "c", is_first=True), 0.0)
    queue.put(job(JobKind.LATER, "c"), 0.0)
    assert len(queue) == 3


def test_interims_are_taken_together_when_they_may() -> None:
    batch = Batch("engine", None, lambda items: items, 3)
    other = Batch("another engine", None, lambda items: items, 3)
    queue = JobQueue()
    for number in range(4):
        queue.put(job(JobKind.PARTIAL, number, batch=batch), 0.0)
    queue.put(job(JobKind.PARTIAL, "elsewhere", batch=other), 0.0)
    queue.put(job(JobKind.FINAL, "alone"), 0.0)
    assert [[j.key for j in queue.take(0.0)] for _ in range(4)] == [
        ["alone"],
        [0, 1, 2],
        [3],
        ["elsewhere"],
    ]


def test_at_the_end_only_clean_up_is_left() -> None:
    queue = JobQueue()
    for kind in JobKind:
        queue.put(job(kind, kind), 0.0)
    queue.drop_all_but_closing()
    assert order(queue) == [JobKind.CLOSE]


arrivals = st.lists(
    st.tuples(st.sampled_from(JobKind), st.floats(0, 0.5), st.none() | st.floats(-5, 100)),
    min_size=1,
    max_size=30,
)


@given(arrivals, st.floats(0.01, 1.0))
def test_nothing_starves(
    arrivals: list[tuple[JobKind, float, float | None]], step_s: float
) -> None:
    """With steps that keep coming, each is begun before any that came `LONGEST_SLACK_S` later."""
    queue, now_s, taken = JobQueue(), 0.0, list[Job]()
    for number, (kind, pause_s, needed_in_s) in enumerate(arrivals):
        now_s += pause_s
        needed_s = None if needed_in_s is None else now_s + needed_in_s
        queue.put(job(kind, number, needed_s=needed_s), now_s)
        if number % 3 == 0:  # the engine is three times too slow
            now_s += step_s
            taken += queue.take(now_s)
    while jobs := queue.take(now_s):
        taken += jobs
    assert len(taken) == len(arrivals)
    for place, one in enumerate(taken):
        late = [
            other for other in taken[:place] if other.arrived_s > one.arrived_s + LONGEST_SLACK_S
        ]
        assert not late, "a step was overtaken by one that came long after it"


class Use(RuleBasedStateMachine):
    """Sessions put, take, finish and cancel steps in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = JobQueue(max_waiting=6)
        self.now_s = 0.0
        self.waiting: dict[int, Job] = {}
        self.running: dict[int, Job] = {}
        self.cancelled: list[Job] = []

    @rule(kind=st.sampled_from(JobKind), key=st.integers(0, 4), pause_s=st.floats(0, 1))
    def put(self, kind: JobKind, key: int, pause_s: float) -> None:
        self.now_s += pause_s
        new, older = job(kind, key), self.waiting.get(key)
        if older is not None and older.kind not in (JobKind.AUDIO, JobKind.PARTIAL):
            with pytest.raises(ValueError, match="waits already"):
                self.queue.put(new, self.now_s)
            return
        assert self.queue.put(new, self.now_s) is older
        self.waiting[key] = new

    @rule()
    def take(self) -> None:
        jobs = self.queue.take(self.now_s)
        ready = [j for key, j in self.waiting.items() if key not in self.running]
        assert bool(jobs) is bool(ready)
        for taken in jobs:
            assert taken.due_s == min(j.due_s for j in ready)
            assert taken not in self.cancelled
            key = next(key for key, j in self.waiting.items() if j is taken)
            assert key not in self.running
            self.running[key] = self.waiting.pop(key)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        self.queue.done([self.running.pop(key)])

    @rule(key=st.integers(0, 4))
    def cancel(self, key: int) -> None:
        gone = self.waiting.pop(key, None)
        assert self.queue.cancel(key) is gone
        if gone is not None:
            self.cancelled.append(gone)

    @invariant()
    def counts_what_waits(self) -> None:
        assert len(self.queue) == len(self.waiting) == self.queue.depths().total()


TestUse = Use.TestCase
