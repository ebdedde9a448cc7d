"""The tools in a conversation: the responder calls them, the caller hears what they say."""

import asyncio

import pytest
from livekit.plugins import responder

from tests.session.conversation import Conversation, conversation

pytestmark = pytest.mark.virtual_time

TIMER_S = 10.0
ANNOUNCEMENT = "Your 10 second timer is up."


async def test_a_question_that_takes_a_tool_is_a_turn_like_any_other() -> None:
    async with conversation(brain=responder.LLM()) as call:
        call.say("what is twelve times seven")
        record = await call.record(1)
        await call.until(20)
    assert call.records == [record]
    assert (record.turn, record.outcome, record.faults) == (1, "answered", [])
    assert len(call.spoken()) == 1
    assert "84" in call.spoken()[0]
    assert record.heard_chars == len(call.spoken()[0])
    assert record.playout_s is not None
    assert record.tts_first_s is not None
    assert record.llm_first_s is not None
    assert record.llm_first_s <= record.tts_first_s <= record.playout_s


async def ask_for_timer(call: Conversation) -> float:
    """Sets a timer of `TIMER_S`; returns when the answer began, soon after the timer."""
    call.say("set a timer for ten seconds")
    await call.record(1)
    begun_s = call.loudspeaker.played[0].started_s
    assert begun_s is not None
    return begun_s


async def test_a_timer_speaks_up_when_it_is_due_and_makes_no_turn() -> None:
    async with conversation(brain=responder.LLM()) as call:
        set_s = await ask_for_timer(call)
        await call.until(set_s + TIMER_S - 0.5)
        assert ANNOUNCEMENT not in call.spoken()
        await call.until(set_s + TIMER_S + 5)
        announced_s = call.loudspeaker.played[-1].started_s
        assert announced_s == pytest.approx(set_s + TIMER_S, abs=0.2)
        call.say("hello")
        record = await call.record(2)
        await call.until(set_s + TIMER_S + 30)
    assert call.spoken()[1] == ANNOUNCEMENT
    assert [record.turn for record in call.records] == [1, 2]
    assert (record.outcome, record.speculated) == ("answered", "adopted")


async def test_a_timer_that_is_due_while_the_caller_speaks_is_heard_afterwards() -> None:
    async with conversation(brain=responder.LLM()) as call:
        set_s = await ask_for_timer(call)
        await call.until(set_s + TIMER_S - 1.0)
        speech_end_s = call.say("what is twelve times seven")
        record = await call.record(2)
        await call.until(set_s + TIMER_S + 30)
    announced = call.loudspeaker.played[-1]
    assert announced.started_s is not None
    assert announced.started_s > speech_end_s
    assert announced.is_whole
    assert record.outcome == "answered"
    assert "84" in call.spoken()[1]
    assert call.spoken()[2] == ANNOUNCEMENT
    assert len(call.records) == 2


async def test_a_goodbye_is_heard_before_the_call_is_hung_up() -> None:
    async with conversation(brain=responder.LLM()) as call:
        call.say("goodbye")
        record = await call.record(1)
        await call.until(asyncio.get_running_loop().time() + 2)
        (hung_up_s,) = call.hang_ups
    assert record.outcome == "answered"
    played = call.loudspeaker.played[-1]
    assert played.started_s is not None
    assert hung_up_s >= played.started_s + played.duration_s


async def test_what_was_remembered_last_is_recalled_without_saying_what_it_was_about() -> None:
    async with conversation(brain=responder.LLM()) as call:
        call.say("remember that my word is xylophone")
        await call.record(1)
        await call.until(asyncio.get_running_loop().time() + 5)
        call.say("what did i ask you to remember")
        await call.record(2)
        await call.until(asyncio.get_running_loop().time() + 5)
    assert call.spoken()[1] == "You told me: my word is xylophone."
