"""Tools of a call in the profile realtime, against a real server that speaks OpenAI's events."""

from __future__ import annotations

import asyncio

import pytest
from livekit.agents import function_tool, llm

from agent.realtime.deadline import AnswerDeadline
from tests.fakes.providers.coded_speech import words_of
from tests.fakes.providers.faults import Fault, Kind
from tests.fakes.providers.openai import Call, FakeOpenAI, Reply
from tests.fakes.providers.speech_to_speech import SpokenReply
from tests.hosted.realtime_call import QUESTION, chats, realtime_call

pytestmark = [pytest.mark.usefixtures("http"), pytest.mark.timeout(60)]


async def test_a_tools_answer_is_spoken(provider: FakeOpenAI) -> None:
    provider.realtime.replies.append(SpokenReply(calls=[("get_time", "{}")]))
    async with realtime_call(provider) as call:
        await call.ask(QUESTION)
        record = await call.record(1)
    (output,) = function_outputs(provider)
    assert "12" in output and record.outcome == "answered"
    assert call.said() == words_of(output)


@pytest.mark.parametrize("arguments", ["{time_zone: Paris", '["Paris"]', "", '{"place": 1}'])
async def test_tool_arguments_that_are_none_are_told_to_the_model(
    provider: FakeOpenAI, arguments: str
) -> None:
    provider.realtime.replies += [
        SpokenReply(calls=[("cancel_timer", arguments)]),
        SpokenReply(text="done"),
    ]
    async with realtime_call(provider) as call:
        await call.ask(QUESTION)
        record = await call.record(1)
        assert not call.take_over.is_done
    assert len(function_outputs(provider)) == 1
    assert record.outcome == "answered" and call.said() == ["done"]


async def test_a_tool_that_never_returns_is_an_error_to_the_model(provider: FakeOpenAI) -> None:
    clock = clock_that_takes(3600.0, provider, "that did not work")
    async with realtime_call(provider, deadline=AnswerDeadline(tool_s=0.5)) as call:
        await call.take_over.assistant.update_tools([clock])
        await call.ask(QUESTION)
        record = await call.record(1)
        assert not call.take_over.is_done
    (output,) = function_outputs(provider)
    assert "error" in output and record.outcome == "answered"
    assert call.said() == words_of("that did not work")


async def test_without_a_watchdog_no_tool_is_ended(provider: FakeOpenAI) -> None:
    clock = clock_that_takes(0.5, provider, "it is noon")
    async with realtime_call(provider, deadline=AnswerDeadline(tool_s=0.0)) as call:
        await call.take_over.assistant.update_tools([clock])
        await call.ask(QUESTION)
        await call.record(1)
    assert function_outputs(provider) == ["noon"]


def clock_that_takes(wait_s: float, provider: FakeOpenAI, reply: str) -> llm.FunctionTool:
    """A tool that the model calls first; then it says `reply`."""

    @function_tool(name="get_time")
    async def get_time() -> str:
        """Tells the time."""
        await asyncio.sleep(wait_s)
        return "noon"

    provider.realtime.replies += [
        SpokenReply(calls=[("get_time", "{}")]),
        SpokenReply(text=reply),
    ]
    return get_time


def function_outputs(provider: FakeOpenAI) -> list[str]:
    items = [event["item"] for event in provider.realtime.of("conversation.item.create")]
    return [item["output"] for item in items if item["type"] == "function_call_output"]


async def test_a_timer_that_the_model_set_is_the_cascades_when_the_model_has_gone(
    provider: FakeOpenAI,
) -> None:
    provider.realtime.replies += [
        SpokenReply(calls=[("set_timer", '{"duration_s": 600, "label": "tea"}')]),
        SpokenReply(text="done"),
    ]
    provider.replies.append(Reply(calls=[Call(name="list_timers")]))
    async with realtime_call(provider) as call:
        await call.ask(QUESTION)
        await call.record(1)
        await provider.realtime.inject(Fault(kind=Kind.DROP))
        await call.until_cascade()
        await call.ask("which timers run")
        record = await call.record(2)
    told = [m["content"] for m in chats(provider)[-1] if m["role"] == "tool"]
    assert len(told) == 2 and "tea" in told[1]  # set and listed, by one model and the other
    assert (record.outcome, record.faults) == ("answered", ["realtime"])
