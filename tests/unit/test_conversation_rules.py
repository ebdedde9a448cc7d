"""Conversations judged by rules."""

from __future__ import annotations

from typing import Any

import pytest

from agent.continuity.conversation import ToolCall
from agent.tools.state import KeptTimer, ToolState
from evals.conversations.rules import (
    Check,
    Seen,
    holds,
    is_success,
    judge_state,
    judge_time,
    judge_words_and_tools,
    not_judged,
)
from evals.conversations.scenario import Expected, State, Words


def call(name: str, arguments: str = "{}", *, is_error: bool = False) -> ToolCall:
    return ToolCall(name=name, call_id="1", arguments=arguments, output="", is_error=is_error)


def verdicts(expected: dict[str, Any], said: str = "", *calls: ToolCall) -> list[str]:
    checks = judge_words_and_tools(
        Expected.model_validate(expected), Seen(said=said, calls=calls), "step 1"
    )
    return [check.verdict for check in checks]


@pytest.mark.parametrize(
    ("words", "text", "is_held"),
    [
        ("ten minutes", "Your timer is set to Ten  minutes.", True),
        (["ten", "eleven"], "ten", False),
        ({"any_of": ["10 minutes", "ten minutes"]}, "It is 10 minutes", True),
        ({"any_of": ["10 minutes"]}, "ten minutes", False),
        ({"regex": r"\b84\b"}, "That is 84.", True),
        ({"contains": "that", "regex": r"\b84\b"}, "That is 840.", False),
    ],
)
def test_words_have_to_hold_all_that_is_asked_for(words: Any, text: str, is_held: bool) -> None:
    assert holds(Words.model_validate(words), text) is is_held


def test_what_must_not_be_said_is_looked_for_in_any_case_of_letters() -> None:
    assert verdicts({"not_said": ["Sorry"]}, "I am sorry.") == ["missed"]
    assert verdicts({"not_said": ["Sorry"]}, "Here you are.") == ["met"]


@pytest.mark.parametrize(
    ("arguments", "made", "verdict"),
    [
        ({"duration_s": 600}, '{"duration_s": 600.0, "label": "tea"}', "met"),
        ({"duration_s": 600}, '{"duration_s": "600"}', "met"),
        ({"duration_s": 600}, '{"duration_s": 300}', "missed"),
        ({"duration_s": 600}, '{"label": "tea"}', "missed"),
        ({"note": "rex"}, '{"note": "My dog is called Rex"}', "met"),
        ({"on": True}, '{"on": true}', "met"),
        ({}, "{}", "met"),
        ({"a": 1}, "no json", "missed"),
        ({"a": 1}, "[1]", "missed"),
    ],
)
def test_a_tool_counts_when_its_arguments_fit(
    arguments: dict[str, Any], made: str, verdict: str
) -> None:
    assert verdicts({"called": {"set_timer": arguments}}, "", call("set_timer", made)) == [verdict]


def test_a_tool_that_failed_or_another_one_does_not_count() -> None:
    assert verdicts({"called": {"set_timer": {}}}, "", call("set_timer", is_error=True)) == [
        "missed"
    ]
    assert verdicts({"called": {"set_timer": {}}}, "", call("get_time")) == ["missed"]
    assert verdicts({"not_called": ["end_call"]}, "", call("get_time")) == ["met"]
    assert verdicts({"not_called": ["end_call"]}, "", call("end_call")) == ["missed"]


def test_what_nobody_saw_is_not_judged() -> None:
    expected = Expected.model_validate({"called": {"set_timer": {}}, "not_called": ["end_call"]})
    checks = judge_words_and_tools(expected, Seen(said="", calls=None), "end")
    assert [check.verdict for check in checks] == ["not judged", "not judged"]
    assert judge_state(State(timers=()), None)[0].verdict == "not judged"


@pytest.mark.parametrize(
    ("state", "is_met"),
    [
        ({"timers": [600]}, True),
        ({"timers": [{"duration_s": 600, "label": "10 min"}]}, True),
        ({"timers": [{"duration_s": 600, "label": "tea"}]}, False),
        ({"timers": [600, 600]}, False),
        ({"timers": []}, False),
        ({"notes": ["rex"]}, True),
        ({"notes": []}, False),
    ],
)
def test_the_state_has_what_is_expected_and_no_more(state: dict[str, Any], is_met: bool) -> None:
    kept = ToolState(
        notes=("my dog is called Rex",),
        timers=(KeptTimer(label="10 minutes", duration_s=600.0, due_s=1.0),),
    )
    checks = judge_state(State.model_validate(state), kept)
    assert [check.verdict for check in checks] == ["met" if is_met else "missed"]


def test_time_is_judged_apart_from_the_task() -> None:
    in_time, late, never = (
        judge_time(1000, response_s, "step 1", "unanswered") for response_s in (1.0, 1.001, None)
    )
    assert [one.verdict for one in (in_time, late, never)] == ["met", "missed", "missed"]
    assert never.why == "unanswered"
    assert is_success([late], None) is None


@pytest.mark.parametrize(
    ("found", "failure", "success"),
    [
        (["met", "met"], None, True),
        (["met", "missed"], None, False),
        (["met", "not judged"], None, True),
        (["not judged"], None, None),
        ([], None, None),
        (["met"], "the agent left", False),
    ],
)
def test_a_task_is_done_when_nothing_was_missed_and_something_was_seen(
    found: list[Any], failure: str | None, success: bool | None
) -> None:
    checks = [Check(about="task", what="x", verdict=verdict) for verdict in found]
    assert is_success(checks, failure) is success


def test_of_engines_that_say_nothing_of_sense_only_time_counts() -> None:
    checks = [
        Check(about="task", what="x", verdict="missed"),
        Check(about="time", what="y", verdict="missed"),
    ]
    assert [one.verdict for one in not_judged(checks, "why")] == ["not judged", "missed"]
