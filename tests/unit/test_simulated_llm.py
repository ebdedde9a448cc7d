import asyncio

import pytest
from livekit.agents import APIConnectOptions, APITimeoutError, llm
from livekit.plugins.simulated import LLM, reply_text

from tests.fakes.virtual_time import run_virtual


def context(*roles: llm.ChatRole) -> llm.ChatContext:
    chat_ctx = llm.ChatContext.empty()
    for role in roles:
        chat_ctx.add_message(role=role, content="two words")
    return chat_ctx


def ask(
    model: LLM, chat_ctx: llm.ChatContext, conn_options: APIConnectOptions | None = None
) -> list[tuple[float, llm.ChatChunk]]:
    async def collect() -> list[tuple[float, llm.ChatChunk]]:
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        options = conn_options or APIConnectOptions()
        async with model.chat(chat_ctx=chat_ctx, conn_options=options) as stream:
            return [(loop.time() - begun_s, chunk) async for chunk in stream]

    return run_virtual(collect())


def text_of(chunks: list[tuple[float, llm.ChatChunk]]) -> str:
    return "".join(c.delta.content or "" for _, c in chunks if c.delta)


def test_the_first_token_comes_after_the_delay_and_then_fifty_a_second() -> None:
    times = [time_s for time_s, chunk in ask(LLM(), context("user")) if chunk.delta]
    assert times == pytest.approx([0.15 + index / 50 for index in range(len(times))])
    assert len(times) > 15


def test_the_reply_names_the_number_of_user_messages() -> None:
    chat_ctx = context("system", "user", "assistant", "user", "developer", "user")
    assert text_of(ask(LLM(), chat_ctx)) == reply_text(3)
    assert text_of(ask(LLM(), context("system"))) == reply_text(0)


def test_the_same_question_has_the_same_answer() -> None:
    answers = {text_of(ask(LLM(), context("user"))) for _ in range(3)}
    assert len(answers) == 1


def test_the_last_chunk_counts_the_tokens() -> None:
    chunks = ask(LLM(), context("system", "user"))
    usage = chunks[-1][1].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (4, len(chunks) - 1)
    assert usage.total_tokens == 4 + len(chunks) - 1
    assert [chunk.usage for _, chunk in chunks[:-1]] == [None] * (len(chunks) - 1)


def test_a_reply_of_ones_own_is_spoken_instead() -> None:
    model = LLM(reply=lambda number: f"Number {number}, in my own words.")
    assert text_of(ask(model, context("user", "user"))) == "Number 2, in my own words."


def test_a_delay_over_the_deadline_is_a_time_out() -> None:
    options = APIConnectOptions(max_retry=0, timeout=0.1)
    with pytest.raises(APITimeoutError):
        ask(LLM(delay_s=5), context("user"), options)
