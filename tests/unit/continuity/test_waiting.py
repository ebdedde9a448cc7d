"""What the room of a caller says whom no worker has taken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.continuity.rescue import ATTEMPTS, Bring, Dispatch, GiveUp, Leave, RoomView, Wait
from agent.continuity.waiting import is_mark, mark_for

BRING = Bring("", was_interrupted=False)


def asked(times: int, *, had_agent: bool = False) -> tuple[Dispatch, ...]:
    return tuple(
        Dispatch(id=f"AD_{n}", metadata="", asked_s=float(n), had_agent=had_agent)
        for n in range(times)
    )


def room(**changes: Any) -> RoomView:
    given: dict[str, Any] = {
        "sid": "RM_1",
        "callers": frozenset({"ann"}),
        "agents": frozenset(),
        "dispatches": asked(1),
    }
    return RoomView(**{**given, **changes})


def message(mark: str | None) -> str:
    assert mark is not None and is_mark(mark)
    return str(json.loads(mark)["parley"]["message"])


def test_a_caller_who_waits_is_told_so_and_in_the_end_to_call_again() -> None:
    assert "as soon as one is free" in message(mark_for(room(), BRING))
    often = room(dispatches=asked(ATTEMPTS + 1))
    assert "call again" in message(mark_for(often, Leave()))


def test_what_is_said_already_is_not_said_again_and_may_change() -> None:
    waiting = mark_for(room(), BRING)
    assert waiting is not None
    marked = {"metadata": waiting}
    assert mark_for(room(**marked), BRING) is None
    later = room(dispatches=asked(ATTEMPTS + 1), **marked)
    assert "call again" in message(mark_for(later, Leave()))


@pytest.mark.parametrize("metadata", ["table 7", '{"parley": 1, "more": 2}', "[]", "7"])
def test_metadata_of_others_stays(metadata: str) -> None:
    assert not is_mark(metadata)
    assert mark_for(room(metadata=metadata), BRING) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"callers": frozenset()},
        {"agents": frozenset({"agent-1"})},
        {"dispatches": ()},
        {"dispatches": asked(1, had_agent=True)},
    ],
    ids=["nobody waits", "there is an agent", "nobody asked for one", "one has been there"],
)
def test_where_nobody_waits_for_a_first_agent_nothing_is_said(changes: dict[str, Any]) -> None:
    assert mark_for(room(**changes), BRING) is None


@pytest.mark.parametrize("decision", [Wait(), Leave(), GiveUp()])
def test_before_the_time_nothing_is_said(decision: Wait | Leave | GiveUp) -> None:
    assert mark_for(room(), decision) is None
