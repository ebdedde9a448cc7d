import asyncio
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from livekit.agents import (
    Agent,
    AgentSession,
    APIConnectOptions,
    APITimeoutError,
    Plugin,
    RunResult,
    ToolError,
    function_tool,
    llm,
)
from livekit.agents.metrics import LLMMetrics
from livekit.plugins import responder

ONCE = APIConnectOptions(max_retry=0, timeout=5)


@function_tool
async def get_time(time_zone: str | None = None) -> str:
    """Tells the time."""
    if time_zone == "nowhere":
        raise ToolError("I do not know the time in nowhere.")
    return f"It is noon in {time_zone or 'town'}."


@function_tool
async def set_timer(duration_s: float, label: str | None = None) -> str:
    """Sets a timer."""
    return f"Timer set to {duration_s:g} seconds."


BOTH: list[llm.Tool] = [get_time, set_timer]


async def chat(
    text: str, tools: list[llm.Tool] | None = None, **options: object
) -> list[llm.ChatChunk]:
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="user", content=text)
    async with responder.LLM() as model:
        stream = model.chat(chat_ctx=chat_ctx, tools=tools, conn_options=ONCE, **options)  # type: ignore[arg-type]
        async with stream:
            return [chunk async for chunk in stream]


def text_of(chunks: list[llm.ChatChunk]) -> str:
    return "".join(chunk.delta.content or "" for chunk in chunks if chunk.delta)


def calls_of(chunks: list[llm.ChatChunk]) -> list[tuple[str, dict[str, object]]]:
    calls = [call for chunk in chunks if chunk.delta for call in chunk.delta.tool_calls]
    return [(call.name, json.loads(call.arguments)) for call in calls]


def test_it_says_who_it_is() -> None:
    model = responder.LLM()
    assert (model.provider, model.model) == ("responder", "responder")
    assert "livekit.plugins.responder" in [plugin.package for plugin in Plugin.registered_plugins]


async def test_an_answer_comes_word_by_word_and_ends_with_the_usage() -> None:
    chunks = await chat("tell me a story")
    words = [chunk.delta.content for chunk in chunks if chunk.delta]
    assert len(words) > 50
    assert all(word and len(word.split()) == 1 for word in words)
    assert {chunk.delta.role for chunk in chunks if chunk.delta} == {"assistant"}
    usage = chunks[-1].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (4, len(words))
    assert usage.total_tokens == 4 + len(words)


async def test_a_tool_is_called_with_its_arguments() -> None:
    chunks = await chat("set a timer for ten seconds", [get_time, set_timer])
    assert calls_of(chunks) == [("set_timer", {"duration_s": 10.0})]
    assert text_of(chunks) == ""
    call_ids = {c.call_id for chunk in chunks if chunk.delta for c in chunk.delta.tool_calls}
    assert len(call_ids) == 1 and "" not in call_ids


async def test_two_tools_are_called_at_once_unless_that_is_not_wanted() -> None:
    text, tools = "what time is it and set a timer for ten seconds", BOTH
    assert len(calls_of(await chat(text, tools))) == 2
    one = await chat(text, tools, parallel_tool_calls=False)
    assert calls_of(one) == [("get_time", {})]


async def test_tools_may_be_forbidden_or_chosen() -> None:
    forbidden = await chat("what time is it", [get_time], tool_choice="none")
    assert calls_of(forbidden) == [] and "cannot" in text_of(forbidden)
    choice = {"type": "function", "function": {"name": "set_timer"}}
    assert calls_of(await chat("what time is it", [get_time, set_timer], tool_choice=choice)) == []
    assert calls_of(await chat("what time is it", [get_time], tool_choice="required"))


async def test_metrics_are_emitted() -> None:
    model = responder.LLM()
    metrics: list[LLMMetrics] = []
    model.on("metrics_collected", metrics.append)
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="user", content="hello")
    async with model, model.chat(chat_ctx=chat_ctx) as stream:
        await stream.collect()
    assert metrics[0].completion_tokens > 0
    assert 0 <= metrics[0].ttft < 0.5


async def test_a_pace_can_be_set() -> None:
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="user", content="thank you")
    started_s = time.perf_counter()
    async with responder.LLM(tokens_per_s=100) as model, model.chat(chat_ctx=chat_ctx) as stream:
        response = await stream.collect()
    assert time.perf_counter() - started_s >= len(response.text.split()) / 100
    with pytest.raises(ValueError, match="more than 0"):
        responder.LLM(tokens_per_s=0)


async def test_a_pace_slower_than_the_deadline_is_a_timeout() -> None:
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="user", content="thank you")
    options = APIConnectOptions(max_retry=0, timeout=0.02)
    async with responder.LLM(tokens_per_s=0.1) as model:
        with pytest.raises(APITimeoutError):
            async with model.chat(chat_ctx=chat_ctx, conn_options=options) as stream:
                await stream.collect()


async def test_a_long_turn_does_not_hold_up_the_loop() -> None:
    model = responder.LLM()
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="user", content="what time is it and then a timer for an hour " * 10)
    async with model, model.chat(chat_ctx=chat_ctx, conn_options=ONCE) as stream:
        answering = asyncio.ensure_future(stream.collect())
        longest_s = await longest_pause_s(answering)
    assert answering.result().text
    assert longest_s < 0.05


async def longest_pause_s(answering: asyncio.Future[llm.CollectedResponse]) -> float:
    longest_s = 0.0
    while not answering.done():
        before_s = time.perf_counter()
        await asyncio.sleep(0.001)
        longest_s = max(longest_s, time.perf_counter() - before_s)
    return longest_s


async def test_closing_twice_is_fine_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    model = responder.LLM()
    async with model.chat(chat_ctx=llm.ChatContext.empty()) as stream:
        await stream.collect()
    mine = [
        thread
        for thread in set(threading.enumerate()) - before
        if thread.name.startswith("responder-llm")
    ]
    assert mine
    await model.aclose()
    await model.aclose()
    for thread in mine:
        thread.join(2)
    assert not any(thread.is_alive() for thread in mine)


async def test_an_empty_context_is_greeted() -> None:
    chat_ctx = llm.ChatContext.empty()
    async with responder.LLM() as model, model.chat(chat_ctx=chat_ctx) as stream:
        assert "help you" in (await stream.collect()).text


def test_a_bad_skills_file_fails_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(responder.SkillsError, match="AGENT_SKILLS"):
        responder.LLM(tmp_path / "missing.yaml")


async def answers(*texts: str) -> list[str]:
    """A whole session with text in place of sound: what the agent says to each text."""
    agent = Agent(instructions="You are Parley.", tools=[get_time, set_timer])
    said: list[str] = []
    async with responder.LLM() as model, AgentSession[None](llm=model) as session:
        await session.start(agent)
        for text in texts:
            result: RunResult[None] = await session.run(user_input=text)
            said.append(" | ".join(_messages(result.events)))
    return said


def _messages(events: Sequence[object]) -> list[str]:
    items = [getattr(event, "item", None) for event in events]
    messages = [item for item in items if isinstance(item, llm.ChatMessage)]
    return [message.text_content or "" for message in messages if message.role == "assistant"]


async def test_a_session_calls_the_tool_and_speaks_its_output() -> None:
    assert await answers(
        "what time is it in london",
        "what time is it and set a timer for ten seconds",
        "what time is it in nowhere",
    ) == [
        "It is noon in london.",
        "It is noon in town. Timer set to 10 seconds.",
        "That did not work. I do not know the time in nowhere.",
    ]


async def test_a_session_says_what_it_is_told_to() -> None:
    agent = Agent(instructions="You are Parley.")
    async with responder.LLM() as model, AgentSession[None](llm=model) as session:
        await session.start(agent)
        greeting = session.generate_reply(instructions="Greet the caller.")
        await greeting
        timer = session.generate_reply(instructions='Say exactly: "Your timer is up."')
        await timer
        said = [m.text_content for m in session.history.messages() if m.role == "assistant"]
    assert said == ["Hello! How can I help you?", "Your timer is up."]
