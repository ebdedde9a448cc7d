"""When the budget breaks, which number of calls comes next, and what a call costs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evals.load.budget import (
    CALLERS_LATE,
    Step,
    capacity,
    next_count,
    responses,
    why_broken,
)
from evals.load.turn import Turn, judge


def step(calls: int, p95_s: float = 0.5, **more: Any) -> Step:
    """Twenty turns of which every one but the quickest took `p95_s`."""
    fields: dict[str, Any] = {
        "responses_s": (min(0.1, p95_s), *[p95_s] * 19),
        "cut_off": 1,
        "unanswered": 0,
        "failed_calls": (),
        "late_p99_s": 0.002,
        "cores": {"agent": 0.12 * calls, "server": 0.05 * calls, "callers": 0.1, "machine": 1.0},
        "memory_mb": 500.0 + 50.0 * calls,
        "loopback_kbit_s": 200.0,
        "seconds": 60.0,
    }
    return Step(calls=calls, **fields | more)


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ([], 1),
        ([step(1)], 4),
        ([step(1), step(4)], 8),
        ([step(1), step(4, 0.7)], 2),
        ([step(1), step(4, 0.7), step(2)], 3),
        ([step(1), step(4, 0.7), step(2), step(3)], None),
        ([step(1), step(4, 0.7), step(2, 0.7)], None),
        ([step(1), step(4), step(8, 0.7)], 6),
        ([step(1), step(4), step(8, 0.7), step(6, 0.7)], 5),
        ([step(1), step(4), step(8, 0.7), step(6)], 7),
        ([step(1), step(4), step(8, 0.7), step(6), step(7)], None),
    ],
)
def test_counts_double_until_the_budget_breaks_and_then_close_in(
    measured: list[Step], expected: int | None
) -> None:
    assert next_count(measured, most=100) == expected


def test_the_most_calls_that_are_wanted_are_tried_and_no_more() -> None:
    measured = [step(1), step(4)]
    assert next_count(measured[:1], most=2) == 2
    assert next_count(measured, most=6) == 6
    assert next_count([*measured, step(6)], most=6) is None


def test_where_one_call_alone_is_too_much_there_is_no_next() -> None:
    assert next_count([step(1, late_p99_s=0.2)], most=8) is None
    assert next_count([step(1, failed_calls=("the agent did not come",))], most=8) is None


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (step(4, 0.59), ""),
        (step(4, 0.61), "p95 is 1.22 times"),
        (step(4, unanswered=1), "1 of 22 turns were unanswered"),
        (step(4, failed_calls=("the agent left",)), "1 calls failed: the agent left"),
        (step(4, late_p99_s=0.03), CALLERS_LATE),
        (step(4, late_p99_s=None), CALLERS_LATE),
        (step(4, responses_s=()), "no turn was answered"),
    ],
)
def test_the_budget_says_why_it_is_broken(more: Step, why: str) -> None:
    assert why_broken(more, step(1)).startswith(why)
    assert bool(why_broken(more, step(1))) is bool(why)


def test_a_p95_that_breaks_tells_how_many_turns_were_slow() -> None:
    why = why_broken(step(4, 2.0), step(1))
    assert why.endswith("(slow: 19 of 21 turns, alone 0 of 21)")


def test_a_share_of_unanswered_turns_as_alone_is_within_the_budget() -> None:
    alone = step(1, unanswered=1)
    assert why_broken(step(4, unanswered=1), alone) == ""


def test_the_capacity_is_the_most_calls_below_the_first_that_were_too_many() -> None:
    measured = [step(1), step(2), step(4), step(8, 0.9), step(6, 0.9), step(5)]
    found = capacity(measured, cores=2)
    assert found is not None
    assert (found.calls, found.per_core) == (5, 2.5)
    assert found.ended_by.startswith("p95 is 1.80 times")
    assert found.agent_cores_per_call == pytest.approx(0.12)
    assert found.memory_mb_per_call == pytest.approx(50)
    assert found.per_gb == pytest.approx(20)


def test_a_good_step_above_a_broken_one_does_not_count() -> None:
    found = capacity([step(1), step(2), step(4, 0.9), step(8)], cores=2)
    assert found is not None and found.calls == 2


def test_without_a_broken_step_the_capacity_is_at_least_that() -> None:
    found = capacity([step(1), step(2)], cores=2)
    assert found is not None and (found.calls, found.ended_by) == (2, "")


def test_one_step_alone_tells_nothing_of_memory() -> None:
    found = capacity([step(1)], cores=2)
    assert found is not None and (found.memory_mb_per_call, found.per_gb) == (None, None)


def test_a_system_that_fails_alone_has_no_capacity() -> None:
    assert capacity([step(1, responses_s=())], cores=2) is None
    assert capacity([], cores=2) is None


def test_a_step_survives_the_way_through_json() -> None:
    kept = json.loads(json.dumps(step(3).to_dict()))
    assert Step.from_dict(kept | {"broken": ""}) == step(3)
    assert (kept["turns"], kept["p95_s"]) == (21, 0.5)


def test_responses_are_those_of_answered_turns_in_order() -> None:
    turns = [
        Turn(utterance="a", outcome="answered", response_s=0.9),
        Turn(utterance="b", outcome="unanswered"),
        Turn(utterance="c", outcome="answered", response_s=0.3),
    ]
    assert responses(turns) == (0.3, 0.9)


@pytest.mark.parametrize(
    ("onsets_s", "outcome", "response_s"),
    [
        ([5.0, 12.4], "answered", 0.4),
        ([5.0], "unanswered", None),
        ([], "unanswered", None),
        ([11.0, 12.4], "cut_off", None),
    ],
)
def test_a_turn_is_judged_by_when_the_agent_began_to_speak(
    onsets_s: list[float], outcome: str, response_s: float | None
) -> None:
    turn = judge("x", 10.0, 12.0, onsets_s)
    assert (turn.outcome, turn.response_s) == (outcome, response_s)
