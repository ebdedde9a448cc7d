"""The simulated model server gives the waits that queueing theory knows."""

from __future__ import annotations

import json
import math
import random
import statistics
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from livekit.plugins.modelserver.scheduler import JobKind

from evals.capacity import (
    ENGINES,
    Ask,
    Recogniser,
    Talk,
    between,
    final_p95_s,
    first_p95_s,
    hearing,
    late_p95_s,
    most_calls,
    serve,
    speaking,
    voice_rtf,
)
from evals.ear.metrics import percentile

N = 60_000
SERVICE_S = 0.1


def arrivals(rate: float, work: Callable[[], float], seed: int) -> Iterator[Ask]:
    """Poisson; every step of another caller."""
    rng, at_s = random.Random(seed), 0.0
    for number in range(N):
        at_s += rng.expovariate(rate)
        yield Ask(at_s, JobKind.FINAL, number, work)


def waits(busy: float, work: Callable[[], float], threads: int = 1) -> list[float]:
    rate = busy * threads / SERVICE_S
    return [made.waited_s for made in serve(arrivals(rate, work, seed=5), threads)]


@pytest.mark.parametrize("busy", [0.3, 0.7])
def test_the_mean_wait_with_even_times_is_that_of_m_d_1(busy: float) -> None:
    expected_s = busy * SERVICE_S / (2 * (1 - busy))
    assert statistics.fmean(waits(busy, lambda: SERVICE_S)) == pytest.approx(expected_s, rel=0.05)


@pytest.mark.parametrize("busy", [0.3, 0.7])
def test_mean_and_p95_with_exponential_times_are_those_of_m_m_1(busy: float) -> None:
    found = waits(busy, partial(random.Random(6).expovariate, 1 / SERVICE_S))
    free_rate = (1 - busy) / SERVICE_S
    assert statistics.fmean(found) == pytest.approx(busy / free_rate, rel=0.06)
    assert percentile(sorted(found), 0.95) == pytest.approx(
        math.log(busy / 0.05) / free_rate, rel=0.08
    )


def test_two_threads_are_those_of_m_m_2() -> None:
    busy = 0.7
    found = waits(busy, partial(random.Random(7).expovariate, 1 / SERVICE_S), threads=2)
    has_to_wait = 2 * busy**2 / (1 + busy)  # Erlang C for two servers
    expected_s = has_to_wait * SERVICE_S / (2 * (1 - busy))
    assert statistics.fmean(found) == pytest.approx(expected_s, rel=0.06)


def test_a_final_goes_before_an_interim_that_came_first() -> None:
    asks = [
        Ask(0.0, JobKind.PARTIAL, "a", lambda: 1.0),
        Ask(0.1, JobKind.PARTIAL, "b", lambda: 1.0),
        Ask(0.2, JobKind.FINAL, "c", lambda: 1.0),
    ]
    made = [(one.kind, round(one.waited_s, 3)) for one in serve(asks)]
    assert made == [(JobKind.PARTIAL, 0.0), (JobKind.FINAL, 0.8), (JobKind.PARTIAL, 1.9)]


def test_a_newer_interim_replaces_the_one_that_waits() -> None:
    asks = [
        Ask(0.0, JobKind.PARTIAL, "a", lambda: 1.0),
        Ask(0.1, JobKind.PARTIAL, "b", lambda: 1.0),
        Ask(0.5, JobKind.PARTIAL, "b", lambda: 1.0),
    ]
    assert len(list(serve(asks))) == 2


def test_sound_of_a_caller_whose_final_waits_is_held_back() -> None:
    asks = [
        Ask(0.0, JobKind.PARTIAL, "a", lambda: 1.0),
        Ask(0.1, JobKind.FINAL, "b", lambda: 1.0),
        Ask(0.2, JobKind.PARTIAL, "b", lambda: 1.0),
    ]
    assert [one.kind for one in serve(asks)] == [JobKind.PARTIAL, JobKind.FINAL]


EVEN = Recogniser(decode=lambda said_s: 0.05, settled_s=0.001, interim_s=0.5)


def test_alone_a_final_is_quick_once_the_pause_was_decoded() -> None:
    assert late_p95_s(serve(hearing(1, Talk(), EVEN)), JobKind.FINAL) == pytest.approx(0.001)


def test_a_pause_that_is_still_being_decoded_is_waited_for() -> None:
    slow = Recogniser(decode=lambda said_s: 0.2, settled_s=0.001, interim_s=5.0)
    late_s = late_p95_s(serve(hearing(1, Talk(), slow)), JobKind.FINAL)
    assert late_s == pytest.approx(0.24 + 0.2 - 0.3 + 0.001)


def test_more_callers_wait_longer_and_the_most_of_them_is_found() -> None:
    def p95_s(calls: int) -> float:
        return late_p95_s(serve(hearing(calls, Talk(), EVEN)), JobKind.FINAL)

    times_s = [p95_s(calls) for calls in (1, 8, 64)]
    assert times_s == sorted(times_s) and times_s[2] > times_s[0] + 0.05
    most = most_calls(p95_s, budget_s=0.05)
    assert p95_s(most) <= p95_s(1) + 0.05 < p95_s(most + 1)


def test_the_most_calls_is_the_last_within_the_budget() -> None:
    assert most_calls(lambda calls: 0.01 * calls, budget_s=0.1) == 11
    assert most_calls(lambda calls: float(calls), budget_s=0.1) == 1


def test_an_answers_first_clause_goes_before_the_rest_of_others() -> None:
    made = list(serve(speaking(4, Talk(), rtf=0.3)))
    first = [one.waited_s for one in made if one.kind is JobKind.FIRST]
    later = [one.waited_s for one in made if one.kind is JobKind.LATER]
    assert statistics.fmean(first) < statistics.fmean(later)
    assert first_p95_s(0.3, 1, Talk()) == pytest.approx(0.3 * 1.2)


def test_the_same_callers_give_the_same_figures() -> None:
    engines = json.loads(ENGINES.read_text())
    assert final_p95_s(engines, "tiny", 4, Talk()) == final_p95_s(engines, "tiny", 4, Talk())


def test_the_measured_times_are_used() -> None:
    engines = json.loads(ENGINES.read_text())
    base, tiny = (Recogniser.measured(engines, size).decode(3.0) for size in ("base", "tiny"))
    assert base > tiny > 0.01
    assert 0.1 < voice_rtf(engines) < 2


@pytest.mark.parametrize(("x", "y"), [(0.0, 1.0), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (9.0, 3.0)])
def test_between_measured_points_lies_a_line(x: float, y: float) -> None:
    assert between([(1.0, 1.0), (3.0, 3.0)], x) == y
