"""A caller whose turn is cut in two by the death of a process: no word that was heard is lost."""

from __future__ import annotations

import pytest

from agent.continuity import Keeper
from agent.continuity.conversation import Said
from agent.tools.state import ToolState
from tests.fakes.conversation_store import MemoryConversations
from tests.fakes.repeating_llm import RepeatingLLM
from tests.session.conversation import conversation

pytestmark = pytest.mark.virtual_time


def keeper_on(store: MemoryConversations) -> Keeper:
    keeper = Keeper(store, room="blue", job="AJ_1", language="en", tools=ToolState)
    keeper.linked("ann")
    keeper.greeted()
    return keeper


async def test_words_are_kept_while_they_are_spoken_and_once_they_are_a_turn() -> None:
    store = MemoryConversations()
    async with conversation(brain=RepeatingLLM(), keeper=keeper_on(store)) as call:
        end_s = call.say("what is the weather going to be like tomorrow")
        await call.until(end_s - 1.0)
        unfinished = store.kept["blue"].unfinished
        await call.record(1)
        kept = store.kept["blue"]
    assert unfinished.startswith("what is the weather")
    assert not unfinished.endswith("tomorrow")
    assert kept.unfinished == ""
    assert kept.items[0] == Said(role="user", text="what is the weather going to be like tomorrow")


async def test_what_was_heard_before_is_part_of_the_turn_that_goes_on() -> None:
    store = MemoryConversations()
    async with conversation(brain=RepeatingLLM(), keeper=keeper_on(store)) as call:
        end_s = call.say("set a timer for my tea please")
        await call.until(end_s - 0.6)
    heard = store.kept["blue"].unfinished
    keeper = keeper_on(store)
    assert await keeper.recall(("ann",)) is not None
    async with conversation(brain=RepeatingLLM(), keeper=keeper) as call:
        call.say("for my tea please")
        first = await call.record(1)
        call.say("thank you very much")
        second = await call.record(2)
    assert heard.startswith("set a timer")
    assert call.spoken("user") == [f"{heard} … for my tea please", "thank you very much"]
    assert call.spoken()[0] == f"You have just said to me: {heard} … for my tea please."
    assert [first.outcome, second.outcome] == ["answered", "answered"]
