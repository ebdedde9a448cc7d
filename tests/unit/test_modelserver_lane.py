"""The threads of an engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import pytest
from livekit.plugins.modelserver.lane import Lane, Outcome
from livekit.plugins.modelserver.scheduler import Batch, Job, JobKind, JobQueue

_SOON_S = 5.0


class Trial:
    """A lane, and what has come out of it."""

    def __init__(self, threads: int = 1) -> None:
        self.outcomes: SimpleQueue[Outcome] = SimpleQueue()
        self.lane = Lane("trial", JobQueue(), threads=threads, on_outcomes=self._put)
        self.gate = threading.Event()

    def _put(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            self.outcomes.put(outcome)

    def submit(self, kind: JobKind, key: str, run: Callable[[], Any], **options: Any) -> Job:
        job = Job(kind, key, run, **options)
        self.lane.submit(job)
        return job

    def occupy(self, key: str = "busy", **options: Any) -> None:
        """Keeps a thread until the gate opens."""
        begun = threading.Event()

        def wait() -> None:
            begun.set()
            self.gate.wait(_SOON_S)

        self.submit(JobKind.FINAL, key, wait, **options)
        assert begun.wait(_SOON_S)

    def next(self) -> Outcome:
        return self.outcomes.get(timeout=_SOON_S)


@pytest.fixture
def trial() -> Iterator[Trial]:
    trial = Trial()
    yield trial
    trial.gate.set()
    assert trial.lane.close(timeout_s=_SOON_S)


def test_a_step_is_made_and_its_result_and_times_are_told(trial: Trial) -> None:
    trial.submit(JobKind.FINAL, "a", lambda: 42)
    outcome = trial.next()
    assert (outcome.result, outcome.error, outcome.batch_size) == (42, None, 1)
    assert outcome.waited_s >= 0 and outcome.ran_s >= 0


def test_what_a_step_raises_is_told_and_the_next_is_made(trial: Trial) -> None:
    trial.submit(JobKind.FINAL, "a", lambda: 1 / 0)
    assert isinstance(trial.next().error, ZeroDivisionError)
    trial.submit(JobKind.FINAL, "a", lambda: 42)
    assert trial.next().result == 42


def test_a_cancelled_step_is_never_made(trial: Trial) -> None:
    trial.occupy()
    made = []
    job = trial.submit(JobKind.PARTIAL, "a", lambda: made.append("a"))
    assert trial.lane.cancel("a") is job
    trial.submit(JobKind.PARTIAL, "b", lambda: made.append("b"))
    trial.gate.set()
    trial.next(), trial.next()
    assert made == ["b"]


def test_a_final_does_not_wait_for_interims(trial: Trial) -> None:
    trial.occupy()
    for key in "abc":
        trial.submit(JobKind.PARTIAL, key, lambda: "interim")
    trial.submit(JobKind.FINAL, "d", lambda: "final")
    trial.gate.set()
    assert [trial.next().result for _ in range(5)] == [None, "final", *["interim"] * 3]


def test_two_threads_make_steps_of_two_sessions_at_once() -> None:
    trial = Trial(threads=2)
    trial.occupy()
    trial.submit(JobKind.FINAL, "a", lambda: "meanwhile")
    assert trial.next().result == "meanwhile"
    trial.gate.set()
    assert trial.lane.close(timeout_s=_SOON_S)


def test_a_session_waits_for_its_own_step_even_if_a_thread_is_free() -> None:
    trial = Trial(threads=2)
    trial.occupy("a")
    trial.submit(JobKind.CLOSE, "a", lambda: "closed")
    trial.submit(JobKind.FINAL, "b", lambda: "other")
    assert trial.next().result == "other"
    trial.gate.set()
    assert [trial.next().result for _ in range(2)] == [None, "closed"]
    assert trial.lane.close(timeout_s=_SOON_S)


def test_a_lane_is_stuck_while_every_thread_is_at_a_step_past_its_deadline() -> None:
    trial = Trial(threads=2)
    trial.occupy("a", timeout_s=0.001)
    assert not trial.lane.is_stuck
    trial.occupy("b", timeout_s=1000.0)
    assert not trial.lane.is_stuck
    trial.gate.set()
    trial.next(), trial.next()
    trial.gate.clear()
    trial.occupy("a", timeout_s=-1.0)
    trial.occupy("b", timeout_s=-1.0)
    assert trial.lane.stuck_s() >= 1.0
    trial.gate.set()
    trial.next(), trial.next()
    assert not trial.lane.is_stuck
    assert trial.lane.close(timeout_s=_SOON_S)


def test_what_waits_is_dropped_at_the_end_and_clean_up_is_made() -> None:
    trial = Trial()
    trial.occupy()
    made = []
    trial.submit(JobKind.FINAL, "a", lambda: made.append("final"))
    trial.submit(JobKind.CLOSE, "b", lambda: made.append("closed"))
    closing = threading.Timer(0.05, trial.gate.set)
    closing.start()
    assert trial.lane.close(timeout_s=_SOON_S)
    closing.join()
    assert made == ["closed"]


def test_a_thread_that_hangs_does_not_keep_the_end() -> None:
    trial = Trial()
    trial.occupy()
    assert not trial.lane.close(timeout_s=0.01)
    trial.gate.set()
    assert trial.lane.close(timeout_s=_SOON_S)


def _batched(trial: Trial, run: Callable[[list[Any]], list[Any]]) -> list[Outcome]:
    trial.occupy()
    for item in range(3):
        batch = Batch("engine", item, run, 8)
        trial.submit(JobKind.PARTIAL, f"session {item}", lambda: "alone", batch=batch)
    trial.gate.set()
    trial.next()
    return [trial.next() for _ in range(3)]


def test_a_batch_gives_each_session_its_own_result(trial: Trial) -> None:
    outcomes = _batched(trial, lambda items: [10 * item for item in items])
    assert [outcome.result for outcome in outcomes] == [0, 10, 20]
    assert {outcome.batch_size for outcome in outcomes} == {3}


@pytest.mark.parametrize("run", [lambda items: 1 / 0, lambda items: items[:1]])
def test_a_batch_that_fails_is_made_one_by_one(
    trial: Trial, run: Callable[[list[Any]], list[Any]]
) -> None:
    assert [outcome.result for outcome in _batched(trial, run)] == ["alone"] * 3
