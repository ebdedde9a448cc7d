"""The figures of docs/scaling.md: reckoned, never guessed, and up to date."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evals.markdown import filled
from evals.scaling import (
    DOCUMENT,
    MISSING,
    Assumed,
    cost_table,
    fleet,
    fleet_table,
    redis_sentence,
    up_to_date,
)

COST: dict[str, Any] = {
    "calls": 5,
    "per_core": 2.5,
    "per_gb": 16.7,
    "agent_cores_per_call": 0.12,
    "server_cores_per_call": 0.03,
    "memory_mb_per_call": 60.0,
    "loopback_kbit_s": 200.0,
}
REDIS = {
    "commands_to_begin_a_call": 100.0,
    "commands_to_end_a_call": 20.0,
    "commands_per_s_of_a_call": 0.5,
    "publishes_per_s_at_most": 90_000.0,
}


def test_the_document_says_what_the_results_say() -> None:
    message = "the results have changed: run `python -m evals.scaling --write`"
    assert DOCUMENT.read_text() == up_to_date(), message


def test_ten_thousand_calls_are_reckoned_from_the_cost_of_one() -> None:
    need = fleet(10_000, COST, REDIS, Assumed())
    assert need.worker_nodes == 125  # 1200 cores, 60 % busy, 16 a node; for memory 10 would do
    assert need.server_nodes == 32
    assert need.begun_per_s == pytest.approx(55.6, abs=0.1)
    assert need.questions_per_s == pytest.approx(55.6 * 32, rel=0.01)
    assert need.redis_per_s == pytest.approx(55.56 * 120 + 5000, rel=0.01)
    assert need.gbit_s == pytest.approx(1.0)


def test_where_memory_is_scarcer_than_processors_it_decides() -> None:
    assert (
        fleet(10_000, COST | {"memory_mb_per_call": 6400.0}, None, Assumed()).worker_nodes == 1000
    )


def test_what_was_not_measured_is_said_to_be_missing() -> None:
    assert MISSING in cost_table({})
    assert fleet_table({}, Assumed()).count(MISSING) == 4
    without_redis = {"systems": {"parley": {"capacity": COST}}}
    assert fleet_table(without_redis, Assumed()).count(MISSING) == 4
    assert fleet(10, COST | {"loopback_kbit_s": None}, None, Assumed()).gbit_s is None


def test_one_redis_is_enough_for_so_many_calls() -> None:
    """120 commands in 180 s and one every two seconds are 1.17 a second."""
    assert redis_sentence(REDIS, Assumed()).endswith("with 77 100 calls.")
    assert MISSING in redis_sentence(None, Assumed())
    assert MISSING in redis_sentence(REDIS | {"publishes_per_s_at_most": None}, Assumed())


def test_nodes_are_whole_and_everything_has_three_figures() -> None:
    load = {"systems": {"parley": {"capacity": COST}}, "redis": REDIS}
    first, second = fleet_table(load, Assumed()).splitlines()[2:4]
    assert first == "| `parley` | 10 000 | 125 | 32 | 55.6 | 11 700 | 1 780 | 1.00 |"
    assert (
        second == "| `parley` | 1 000 000 | 12 500 | 3 120 | 5 560 | 1 170 000 | 17 400 000 | 100 |"
    )


def test_what_a_call_costs_is_told_with_how_many_turns_were_said() -> None:
    steps = [{"calls": 4, "p50_s": 9.0, "p95_s": 9.0}, {"calls": 1, "p50_s": 0.39, "p95_s": 0.47}]
    system = {"capacity": COST, "conditions": {"cores": 2, "turns": 60}, "steps": steps}
    row = cost_table({"systems": {"parley": system}}).splitlines()[2]
    assert (
        row == "| `parley` | 5 on 2 cores | 2.50 | 16.7 | 0.120 | 60.0 | 0.0300 | 200"
        " | 0.390 / 0.470 s | 60 |"
    )


def test_a_system_over_its_budget_alone_is_told() -> None:
    load = {"systems": {"parley": {"capacity": None, "conditions": {}, "steps": []}}}
    assert "over the budget alone" in cost_table(load)


def test_tables_take_their_places_and_what_stood_there_goes() -> None:
    text = "a\n<!-- figures: cost -->\nold\n<!-- end -->\nb\n"
    assert filled(text, {"cost": "new"}) == text.replace("old", "new")
    assert json.dumps(filled(filled(text, {"cost": "x"}), {"cost": "new"})) == json.dumps(
        text.replace("old", "new")
    )


def test_a_document_without_the_place_is_told() -> None:
    with pytest.raises(ValueError, match="figures: cost"):
        filled("nothing", {"cost": "new"})
