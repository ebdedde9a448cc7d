"""The contract of an LLM. A check raises AssertionError when it is broken."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from livekit.agents import APIConnectOptions, APITimeoutError, llm

from tests.contract.common_checks import (
    check_close_is_prompt,
    check_deadline,
    check_failure,
    check_loop_is_free,
    metrics_of,
)

_ONCE = APIConnectOptions(max_retry=0, timeout=10.0)


def question(text: str = "Tell me a story, please.") -> llm.ChatContext:
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="system", content="You are an assistant.")
    chat_ctx.add_message(role="user", content=text)
    return chat_ctx


async def ask(
    engine: llm.LLM[Any],
    chat_ctx: llm.ChatContext,
    *,
    tools: list[llm.Tool] | None = None,
    conn_options: APIConnectOptions = _ONCE,
) -> list[llm.ChatChunk]:
    async with engine.chat(chat_ctx=chat_ctx, tools=tools, conn_options=conn_options) as stream:
        return [chunk async for chunk in stream]


def text_of(chunks: list[llm.ChatChunk]) -> str:
    return "".join(chunk.delta.content or "" for chunk in chunks if chunk.delta)


def calls_of(chunks: list[llm.ChatChunk]) -> list[llm.FunctionToolCall]:
    return [call for chunk in chunks if chunk.delta for call in chunk.delta.tool_calls]


async def check_answers(engine: llm.LLM[Any]) -> None:
    """Streams the assistant's words under one request id, the usage last."""
    chunks = await ask(engine, question())
    spoken = [chunk for chunk in chunks if chunk.delta and chunk.delta.content]
    assert len(spoken) > 3, "the answer does not come in tokens"
    assert text_of(chunks).strip()
    assert len({chunk.id for chunk in chunks}) == 1 and chunks[0].id
    assert all(chunk.delta.role == "assistant" for chunk in spoken if chunk.delta)
    usage = chunks[-1].usage
    assert usage is not None, "the last chunk has no usage"
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


async def check_metrics(engine: llm.LLM[Any]) -> None:
    metrics = await metrics_of(engine, lambda: ask(engine, question()))
    assert len(metrics) == 1, f"{len(metrics)} metrics"
    assert 0 <= metrics[0].ttft <= metrics[0].duration
    assert metrics[0].completion_tokens > 0 and metrics[0].prompt_tokens > 0
    assert metrics[0].metadata.model_name == engine.model
    assert metrics[0].metadata.model_provider == engine.provider


async def check_odd_contexts(engine: llm.LLM[Any]) -> None:
    """No message, an empty one and a very long one are answered, not refused."""
    for chat_ctx in (
        llm.ChatContext.empty(),
        question(""),
        question("…"),
        question("well " * 5000),
    ):
        assert text_of(await ask(engine, chat_ctx)).strip() or not chat_ctx.items


async def check_interruption(engine: llm.LLM[Any]) -> None:
    stream = engine.chat(chat_ctx=question(), conn_options=_ONCE)
    await stream.__anext__()
    await check_close_is_prompt(stream)
    assert text_of(await ask(engine, question())).strip()


async def check_loop_stays_free(engine: llm.LLM[Any]) -> None:
    await ask(engine, question())  # what is loaded on first use is another matter
    await check_loop_is_free(ask(engine, question()))


async def check_tool_call(
    engine: llm.LLM[Any], text: str, tool: llm.FunctionTool[..., Any]
) -> None:
    """Calls `tool` with complete JSON in one piece, and speaks about what the tool gave back."""
    chat_ctx = question(text)
    calls = calls_of(await ask(engine, chat_ctx, tools=[tool]))
    assert [call.name for call in calls] == [tool.info.name]
    assert isinstance(json.loads(calls[0].arguments), dict)
    assert calls[0].call_id
    chat_ctx.items.append(
        llm.FunctionCall(call_id=calls[0].call_id, name=calls[0].name, arguments=calls[0].arguments)
    )
    chat_ctx.items.append(
        llm.FunctionCallOutput(
            call_id=calls[0].call_id,
            name=calls[0].name,
            output="It is a quarter past seven.",
            is_error=False,
        )
    )
    answer = await ask(engine, chat_ctx, tools=[tool])
    assert "quarter past seven" in text_of(answer)
    assert not calls_of(answer), "the tool is called again and again"


async def check_deadline_is_kept(slow_engine: llm.LLM[Any]) -> None:
    """For an engine that takes seconds to its first token."""
    options = APIConnectOptions(max_retry=0, timeout=0.2)
    work = ask(slow_engine, question(), conn_options=options)
    await check_deadline(work, 0.2, APITimeoutError)


async def check_failure_is_reported(failing_engine: llm.LLM[Any]) -> None:
    await check_failure(failing_engine, ask(failing_engine, question()))


async def check_close_twice(engine: llm.LLM[Any]) -> None:
    await engine.aclose()
    await asyncio.sleep(0)
    await engine.aclose()
