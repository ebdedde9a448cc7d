from __future__ import annotations

import pytest

from agent.callers import RETURN_GRACE_S
from agent.continuity import Conversation
from agent.continuity.conversation import KEPT_S, Said, ToolCall
from tests.unit.continuity.conversations import ITEMS, conversation


def test_it_is_the_same_after_it_was_written_and_read() -> None:
    kept = conversation()
    assert Conversation.model_validate_json(kept.model_dump_json()) == kept


def test_the_caller_it_was_held_with_goes_on_with_it() -> None:
    assert conversation().continues(["bob", "ann"], 1_000 + KEPT_S)


def test_nobody_else_does() -> None:
    assert not conversation().continues(["bob"], 1_000)
    assert not conversation(caller=None).continues(["ann"], 1_000)


def test_it_is_forgotten_when_nothing_was_said_for_long() -> None:
    assert not conversation().continues(["ann"], 1_001 + KEPT_S)


def test_a_caller_whose_connection_broke_finds_it_for_a_short_time() -> None:
    left = conversation(left_s=1_200.0)
    assert left.continues(["ann"], 1_200 + RETURN_GRACE_S)
    assert not left.continues(["ann"], 1_201 + RETURN_GRACE_S)


def test_a_call_in_which_nothing_was_said_begins_with_its_greeting() -> None:
    assert not conversation(greeted=False, items=()).continues(["ann"], 1_000)
    assert conversation(greeted=True, items=()).continues(["ann"], 1_000)


@pytest.mark.parametrize(
    ("items", "awaits"),
    [
        ((), False),
        (ITEMS, False),
        ((Said(role="user", text="Are you there?"),), True),
        ((*ITEMS[:1], ToolCall(name="t", call_id="c", arguments="{}", output="4")), True),
    ],
)
def test_what_the_caller_said_last_awaits_an_answer(items: tuple[Said, ...], awaits: bool) -> None:
    assert conversation(items=items).awaits_answer is awaits
