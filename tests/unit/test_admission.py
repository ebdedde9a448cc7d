"""How many calls a worker takes, and how full it says it is."""

from __future__ import annotations

import random

import pytest

from agent.admission import (
    ASSUMED_PROCESSORS,
    CPU_FULL,
    FULL_LOAD,
    SETTLING_S,
    Admission,
    Measured,
)

NOW_S = 100.0


def limited(max_sessions: int) -> Admission:
    return Admission(max_sessions=max_sessions, processors=None)


def busy(cpu: float, processors: float = 2.0) -> Admission:
    admission = Admission(max_sessions=0, processors=processors)
    admission.measured = Measured(cpu=cpu)
    return admission


def test_of_fifty_jobs_at_once_as_many_are_taken_as_there_may_be_calls() -> None:
    admission = limited(4)
    answers = [admission.offer(f"job-{n}", (), NOW_S) for n in range(50)]
    assert answers == [None] * 4 + ["calls"] * 46
    assert admission.sessions(()) == 4


def test_a_job_counts_once_whether_it_has_a_process_or_not() -> None:
    admission = limited(2)
    admission.offer("a", (), NOW_S)
    assert admission.sessions({"a"}) == 1  # livekit has started it and not yet said so
    admission.settled("a")
    assert admission.sessions({"a"}) == 1
    assert admission.offer("b", {"a"}, NOW_S) is None
    assert admission.offer("c", {"a"}, NOW_S) == "calls"


def test_a_job_that_never_starts_makes_room() -> None:
    admission = limited(1)
    admission.offer("a", (), NOW_S)
    admission.settled("a")
    assert admission.offer("b", (), NOW_S) is None


def test_a_call_that_has_ended_makes_room() -> None:
    admission = limited(1)
    admission.offer("a", (), NOW_S)
    admission.settled("a")
    assert admission.offer("b", {"a"}, NOW_S) == "calls"
    assert admission.offer("b", (), NOW_S) is None


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_order_of_things_there_are_never_too_many(seed: int) -> None:
    rng = random.Random(seed)
    limit = rng.randint(1, 8)
    admission = limited(limit)
    awaited: set[str] = set()
    running: set[str] = set()
    refused_with_room = 0
    for n in range(2000):
        match rng.randrange(4):
            case 0 | 1:
                had_room = len(awaited | running) < limit
                if admission.offer(f"{n}", frozenset(running), float(n)) is None:
                    awaited.add(f"{n}")
                else:
                    refused_with_room += had_room
            case 2 if awaited:
                job = rng.choice(sorted(awaited))
                awaited.discard(job)
                running |= {job} if rng.random() < 0.8 else set()
                admission.settled(job)
            case 3 if running:
                running.discard(rng.choice(sorted(running)))
        assert len(awaited | running) <= limit
        assert admission.sessions(running) == len(awaited | running)
    assert refused_with_room == 0


def test_without_a_limit_a_laptop_is_never_full() -> None:
    admission = limited(0)
    admission.measured = Measured(cpu=1.0, lateness=3.0)
    running = {str(n) for n in range(1000)}
    assert admission.offer("one more", running, NOW_S) is None
    assert admission.load(running, NOW_S) < FULL_LOAD


def test_in_company_a_laptop_without_a_limit_says_how_many_calls_it_has() -> None:
    loads = [limited(0).load({str(n) for n in range(calls)}, NOW_S) for calls in (0, 1, 10, 50)]
    assert loads == sorted(loads) and loads[0] == 0.0
    assert loads[2] == pytest.approx(FULL_LOAD / 2)


def test_a_busy_processor_refuses_and_a_rested_one_does_not() -> None:
    assert busy(CPU_FULL).offer("a", (), NOW_S) == "processor"
    assert busy(CPU_FULL - 0.01).offer("a", (), NOW_S) is None


def test_calls_too_young_to_be_measured_count_with_what_they_will_need() -> None:
    admission = busy(0.0, processors=2.0)
    taken = sum(admission.offer(str(n), (), NOW_S) is None for n in range(50))
    assert taken == 7  # of 0.1 of two processors each
    running = {str(n) for n in range(taken)}
    for job in running:
        admission.settled(job)
    assert admission.offer("next", running, NOW_S + SETTLING_S - 0.1) == "processor"
    assert admission.offer("next", running, NOW_S + SETTLING_S) is None


def test_a_job_without_a_process_stays_young() -> None:
    admission = busy(CPU_FULL - ASSUMED_PROCESSORS / 2.0 + 0.01, processors=2.0)
    admission.offer("a", (), NOW_S)
    assert admission.offer("b", (), NOW_S + 60.0) == "processor"


def test_a_full_model_server_refuses() -> None:
    admission = limited(0)
    admission.measured = Measured(model_server=1.0)
    assert admission.offer("a", (), NOW_S) == "model server"
    admission.measured.model_server = 0.75
    assert admission.offer("a", (), NOW_S) is None
    assert admission.load((), NOW_S) == pytest.approx(0.75 * FULL_LOAD)


def test_the_fullest_means_is_the_load_and_a_full_one_is_all_of_it() -> None:
    admission = Admission(max_sessions=4, processors=2.0)
    admission.measured = Measured(cpu=0.35, model_server=0.2, lateness=0.6)
    old = {"a", "b", "c"}
    assert admission.load((), NOW_S) == pytest.approx(0.6 * FULL_LOAD)
    assert admission.load(old, NOW_S) == pytest.approx(0.75 * FULL_LOAD)
    assert admission.load(old | {"d"}, NOW_S) == 1.0
    admission.measured.cpu = 0.63
    assert admission.load(old, NOW_S) == pytest.approx(0.63)


def test_late_answers_make_a_worker_the_last_choice_but_do_not_close_it() -> None:
    admission = limited(10)
    admission.measured = Measured(lateness=4.0)
    assert 0.9 * FULL_LOAD < admission.load((), NOW_S) < FULL_LOAD
    assert admission.offer("a", (), NOW_S) is None
