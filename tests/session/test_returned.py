"""A caller whose turn is cut in two by the death of a process: no word that was heard is lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest
from livekit import api, rtc
from livekit.agents import JobContext, function_tool
from livekit.plugins import responder
from livekit.protocol.agent import Job

from agent.continuity import Keeper
from agent.continuity.conversation import Conversation, Said, ToolCall
from agent.continuity.thread import Phrases, Thread
from agent.tools import CallActions, Toolbox
from agent.tools.faq import Faq
from agent.tools.state import ToolState
from tests.fakes.conversation_store import MemoryConversations
from tests.fakes.repeating_llm import RepeatingLLM
from tests.fakes.scripted_llm import HANG
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


PHRASES = Phrases(greeting=None, resumed="I am back.", heard="", restarted="Again, please.")


def thread_on(store: MemoryConversations) -> Thread:
    """Of the process that comes after one that has died."""
    job = Job(id="AJ_2", room=api.Room(name="blue"))
    ctx = cast(JobContext, SimpleNamespace(room=rtc.Room(), job=job))
    actions = CallActions(announce=lambda text: None, hang_up=lambda: None)
    toolbox = Toolbox(actions, Faq([]), now=lambda: datetime.now(UTC))
    return Thread(ctx, store, toolbox, language="en", was_interrupted=True)


async def kept_in_a_tool(runs: list[str], *, ends: bool) -> MemoryConversations:
    """What a process leaves that dies while a tool runs, or after it (`ends`)."""
    store = MemoryConversations()

    @function_tool(name="get_time")
    async def get_time(time_zone: str | None = None) -> str:
        """Tells the time."""
        runs.append("before")
        await asyncio.sleep(0.5 if ends else HANG)
        return "It is noon."

    async with conversation(brain=responder.LLM(), keeper=keeper_on(store)) as call:
        await call.session.current_agent.update_tools([get_time])
        end_s = call.say("what time is it")
        await call.until(end_s + 6.0)
        kept = store.kept["blue"]
        for task in asyncio.all_tasks():
            if task.get_name() == "tool_exec_get_time":
                task.cancel()  # as its process dies
    store.kept["blue"] = kept
    return store


async def test_a_tool_in_which_a_process_dies_is_not_run_again_by_the_next_one() -> None:
    runs: list[str] = []
    store = await kept_in_a_tool(runs, ends=False)
    kept: Conversation = store.kept["blue"]
    assert runs == ["before"]
    assert [type(item) for item in kept.items] == [Said, ToolCall]

    @function_tool(name="get_time")
    async def get_time(time_zone: str | None = None) -> str:
        """Tells the time."""
        runs.append("after")
        return "It is noon."

    async with conversation(brain=responder.LLM()) as call:
        agent = call.session.current_agent
        await agent.update_tools([get_time])
        thread = thread_on(store)
        assert await thread.pick_up(("ann",), agent) == "ann"
        thread.hold(call.session, agent, PHRASES)
        await call.until(asyncio.get_running_loop().time() + 8.0)
        said_of_doubt = call.spoken()
        call.say("what time is it")
        await call.record(len(call.records) + 1)
        await thread.drop()
    assert "do not know whether that was done" in said_of_doubt[-1]
    assert runs == ["before", "after"], "only when the caller asked for it"


async def test_a_tool_that_has_ended_is_kept_with_its_result() -> None:
    store = await kept_in_a_tool([], ends=True)
    kept: Conversation = store.kept["blue"]
    outputs = [item.output for item in kept.items if isinstance(item, ToolCall)]
    assert outputs == ["It is noon."]
