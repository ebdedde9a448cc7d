"""A breaker leaves an engine alone that fails, for longer each time, and asks before it trusts it."""

from __future__ import annotations

import math

import pytest
from livekit.plugins.chains.breaker import Breaker, BreakerState
from livekit.plugins.chains.faults import Fault, FaultKind

BROKEN = Fault(FaultKind.UNREACHABLE, "no connection")
KEY = Fault(FaultKind.KEY, "refused")
BUSY = Fault(FaultKind.BUSY, "full")
MIDDLE = 0.5
"""The chance that changes no open time."""


def fail(breaker: Breaker, *times_s: float, chance: float = MIDDLE) -> None:
    for now_s in times_s:
        breaker.failed(BROKEN, now_s, chance)


def test_two_faults_are_forgiven() -> None:
    breaker = Breaker()
    fail(breaker, 100.0, 101.0)
    assert breaker.may_try(101.0) and breaker.state(101.0) is BreakerState.CLOSED


def test_the_third_within_thirty_seconds_opens_it_for_five() -> None:
    breaker = Breaker()
    fail(breaker, 100.0, 110.0, 129.0)
    assert breaker.state(129.0) is BreakerState.OPEN and not breaker.may_try(129.0)
    assert breaker.state(133.9) is BreakerState.OPEN
    assert breaker.state(134.0) is BreakerState.HALF_OPEN


def test_faults_half_a_minute_apart_never_open_it() -> None:
    breaker = Breaker()
    fail(breaker, *(100.0 + 16 * number for number in range(20)))
    assert breaker.may_try(500.0)


def outcomes(breaker: Breaker, story: str, *, every_s: float = 0.1) -> bool:
    """Plays failures ("-") and answers ("+"); whether it stayed closed."""
    for number, outcome in enumerate(story):
        now_s = 100.0 + number * every_s
        if outcome == "-":
            fail(breaker, now_s)
        else:
            breaker.succeeded(now_s)
        if breaker.until_s is not None:
            return False
    return True


@pytest.mark.parametrize(
    ("story", "stays_closed"),
    [
        ("-+++++-+++-++++-++-+++++", True),
        ("-+-+-+", False),
        ("-++-++-++-++-++", True),
        ("+" * 50 + "---", False),
        ("-" + "+" * 50 + "----", True),
        ("-" + "+" * 50 + "-----", False),
    ],
)
def test_it_opens_for_half_of_bad_outcomes_or_five_faults_in_a_row(
    story: str, stays_closed: bool
) -> None:
    assert outcomes(Breaker(), story) is stays_closed


def test_answers_that_came_after_an_old_fault_do_not_excuse_new_ones() -> None:
    breaker = Breaker()
    assert outcomes(breaker, "-" + "+" * 50)
    fail(breaker, 140.0, 141.0, 142.0)
    assert not breaker.may_try(142.0)


def test_half_open_it_takes_one_probe_and_no_callers_words() -> None:
    breaker = Breaker()
    fail(breaker, 0.0, 0.0, 0.0)
    assert not breaker.take_probe(4.9)
    assert breaker.take_probe(5.0)
    assert not breaker.take_probe(5.0) and not breaker.may_try(5.0)


def test_a_probe_that_succeeds_closes_it() -> None:
    breaker = Breaker()
    fail(breaker, 0.0, 0.0, 0.0)
    breaker.take_probe(5.0)
    breaker.succeeded(5.5)
    assert breaker.state(5.5) is BreakerState.CLOSED and breaker.may_try(5.5)
    fail(breaker, 6.0, 6.0)
    assert breaker.may_try(6.0), "old faults count again"


def test_each_probe_that_fails_doubles_the_open_time_up_to_a_minute() -> None:
    breaker = Breaker()
    fail(breaker, 0.0, 0.0, 0.0)
    opened_s = []
    now_s = 0.0
    for _ in range(6):
        at_s = breaker.probe_at_s()
        assert at_s is not None
        opened_s.append(at_s - now_s)
        now_s = at_s
        assert breaker.take_probe(now_s)
        fail(breaker, now_s)
    assert opened_s == [5, 10, 20, 40, 60, 60]


@pytest.mark.parametrize(("chance", "open_s"), [(0.0, 4.0), (0.5, 5.0), (1.0, 6.0)])
def test_chance_moves_the_end_by_a_fifth(chance: float, open_s: float) -> None:
    breaker = Breaker()
    fail(breaker, 0.0, 0.0, 0.0, chance=chance)
    assert breaker.until_s == pytest.approx(open_s)


def test_soon_after_it_closed_it_opens_for_longer_and_much_later_as_at_first() -> None:
    for closed_for_s, open_s in ((30.0, 10.0), (61.0, 5.0)):
        breaker = Breaker()
        fail(breaker, 0.0, 0.0, 0.0)
        breaker.succeeded(5.0)
        now_s = 5.0 + closed_for_s
        fail(breaker, now_s, now_s, now_s)
        assert breaker.until_s == now_s + open_s


def test_a_probe_lost_with_its_process_is_made_by_another_one() -> None:
    breaker = Breaker()
    fail(breaker, 0.0, 0.0, 0.0)
    assert breaker.take_probe(5.0)
    assert not breaker.take_probe(14.9) and breaker.take_probe(15.0)


def test_a_refused_key_opens_it_at_once_and_for_good() -> None:
    breaker = Breaker()
    breaker.failed(KEY, 0.0, MIDDLE)
    assert breaker.until_s == math.inf
    breaker.succeeded(1.0)  # of an answer that had begun before
    fail(breaker, 2.0, 2.0, 2.0)
    assert not breaker.may_try(1e9) and not breaker.take_probe(1e9)


@pytest.mark.parametrize(
    ("says_s", "chance", "open_s"),
    [(7.0, 0.0, 7.0), (7.0, 1.0, 8.4), (None, 0.0, 10.0), (3600.0, 0.0, 3600.0), (0.0, 1.0, 0.0)],
)
def test_a_rate_limit_is_kept_and_never_cut_short(
    says_s: float | None, chance: float, open_s: float
) -> None:
    breaker = Breaker()
    breaker.failed(Fault(FaultKind.RATE_LIMIT, "slower", says_s), 0.0, chance)
    assert breaker.until_s == pytest.approx(open_s) and not breaker.may_try(0.0)


@pytest.mark.parametrize(
    ("fault", "times", "open_s"),
    [(Fault(FaultKind.RATE_LIMIT, "slower", 30.0), 1, 30.0), (BROKEN, 3, 5.0)],
)
def test_an_answer_that_had_begun_before_closes_nothing(
    fault: Fault, times: int, open_s: float
) -> None:
    breaker = Breaker()
    for _ in range(times):
        breaker.failed(fault, 0.0, 0.0 if times == 1 else MIDDLE)
    assert not breaker.is_changed_by_answers(1.0)
    breaker.succeeded(1.0)
    assert breaker.until_s == open_s and not breaker.may_try(open_s - 0.1)
    assert breaker.is_changed_by_answers(open_s)
    breaker.succeeded(open_s)
    assert breaker.may_try(open_s)


def test_an_answer_to_a_probe_closes_nothing_once_a_newer_rate_limit_is_known() -> None:
    breaker = Breaker()
    fail(breaker, 0.0, 0.0, 0.0)
    assert breaker.take_probe(5.0)
    breaker.failed(Fault(FaultKind.RATE_LIMIT, "slower", 30.0), 5.2, 0.0)
    breaker.succeeded(5.5)
    assert breaker.until_s == 35.2


def test_a_busy_engine_is_skipped_for_two_seconds_without_a_mark_against_it() -> None:
    breaker = Breaker()
    for now_s in (0.0, 0.5, 1.0, 1.5):
        breaker.failed(BUSY, now_s, MIDDLE)
    assert breaker.state(1.5) is BreakerState.CLOSED
    assert not breaker.may_try(3.4) and breaker.may_try(3.5)


def test_a_probe_that_finds_it_busy_is_made_again_two_seconds_later() -> None:
    breaker = Breaker()
    fail(breaker, 0.0, 0.0, 0.0)
    assert breaker.take_probe(5.0)
    breaker.failed(BUSY, 5.0, MIDDLE)
    assert not breaker.take_probe(6.9) and breaker.take_probe(7.0)


def test_answers_that_fail_while_it_is_open_change_nothing() -> None:
    breaker = Breaker()
    fail(breaker, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0)
    assert breaker.until_s == 5.0


def test_a_longer_rate_limit_outlasts_what_it_was_opened_for() -> None:
    breaker = Breaker()
    fail(breaker, 0.0, 0.0, 0.0)
    breaker.failed(Fault(FaultKind.RATE_LIMIT, "slower", 30.0), 1.0, 0.0)
    breaker.failed(Fault(FaultKind.RATE_LIMIT, "slower", 2.0), 2.0, 0.0)
    assert breaker.until_s == 31.0
