"""Reading ahead, against scripted answers; tests/models/test_llama_cpp.py has the real server."""

from __future__ import annotations

import asyncio
import logging
import math

import pytest
from livekit.agents import function_tool, llm
from livekit.plugins.llama_cpp.ahead import Descriptions

from tests.contract.llm_checks import ask, question, text_of
from tests.fakes.llama_http import END_TOKEN, FakeLlama, engine


@function_tool
async def get_time(time_zone: str | None = None) -> str:
    """Tells the time."""
    return "It is a quarter past seven."


async def test_a_warm_up_reads_the_instructions_and_tools() -> None:
    server = FakeLlama()
    async with engine(server, slot=1) as made:
        await made.warm_up(question(), [get_time])
    (body,) = server.bodies("/completion")
    assert body["prompt"].startswith("[{") and "get_time" in body["prompt"]
    assert body["prompt"].endswith("<system>You are an assistant.<end><user>")
    assert (body["id_slot"], body["n_predict"]) == (1, 0)


async def test_once_the_conversation_has_begun_its_cache_is_not_given_up_for_a_warm_up() -> None:
    server = FakeLlama()
    async with engine(server) as made:
        await ask(made, question())
        await made.warm_up(question())
    assert not server.bodies("/completion")


def test_tools_are_described_again_only_when_they_change() -> None:
    @function_tool
    async def get_date() -> str:
        """Tells the date."""
        return "It is the first of May."

    descriptions = Descriptions()
    first = descriptions.of([get_time])
    assert descriptions.of([get_time]) is first
    assert [tool["function"]["name"] for tool in descriptions.of([get_date])] == ["get_date"]
    assert len(descriptions.of([get_date, get_time])) == 2
    assert descriptions.of([]) == []


async def test_prewarming_only_connects() -> None:
    server = FakeLlama()
    async with engine(server) as made:
        made.prewarm()
        await asyncio.sleep(0.01)
    assert [path for path, _ in server.asked] == ["/v1/models"]


async def test_a_prefill_reads_up_to_the_caller_s_last_word() -> None:
    server = FakeLlama()
    async with engine(server, slot=2) as made:
        done = await made.prefill(question("Hello."), partial=" what time is ")
    body = server.bodies("/completion")[0]
    assert body["prompt"].endswith("<user>Hello.<end><user>what time is")
    assert body["id_slot"] == 2 and body["cache_prompt"]
    assert done is not None and done.prompt_tokens == len(body["prompt"])


async def test_one_prefill_at_a_time_and_the_newest_next() -> None:
    server = FakeLlama(evaluation_s=0.05)
    async with engine(server) as made:
        partials = ["what", "what time", "what time is", "what time is it"]
        asked = [asyncio.create_task(made.prefill(question(), partial=p)) for p in partials]
        done = await asyncio.gather(*asked)
    assert [item is not None for item in done] == [True, False, False, True]
    assert server.at_once == 1


async def test_the_question_ends_a_prefill_in_work() -> None:
    server = FakeLlama(evaluation_s=5.0)
    async with engine(server) as made:
        chat_ctx = llm.ChatContext.empty()
        prefill = asyncio.create_task(made.prefill(chat_ctx, partial="what time"))
        await asyncio.sleep(0.02)
        chat_ctx.add_message(role="user", content="what time is it?")
        async with asyncio.timeout(1.0):
            assert text_of(await ask(made, chat_ctx))
            assert await prefill is None
    assert server.dropped == 1


async def test_a_prefill_can_be_cancelled() -> None:
    server = FakeLlama(evaluation_s=5.0)
    async with engine(server) as made:
        prefill = asyncio.create_task(made.prefill(question(), partial="what"))
        await asyncio.sleep(0.02)
        prefill.cancel()
        with pytest.raises(asyncio.CancelledError):
            await prefill
    assert server.dropped == 1


LIKELY = [(END_TOKEN, "<end>", math.log(0.4)), (9, "?", math.log(0.3)), (8, " now", -2.0)]


async def test_whether_the_turn_ends_is_told_on_the_way_and_its_token_asked_for_once() -> None:
    server = FakeLlama(top_logprobs=LIKELY)
    async with engine(server) as made:
        for partial in ("what time is it", "what time is it now"):
            done = await made.prefill(question(), partial=partial, tells_end=True)
            assert done is not None and done.end_probability == pytest.approx(0.7)
    assert [body["n_predict"] for body in server.bodies("/completion")] == [1, 1]
    assert [body["content"] for body in server.bodies("/tokenize")] == ["<end><assistant>"]


@pytest.mark.parametrize(("partial", "tells_end"), [("what time is it", False), ("  ", True)])
async def test_unasked_or_with_nothing_said_no_token_is_made_and_no_candidate_listed(
    partial: str, tells_end: bool
) -> None:
    server = FakeLlama(top_logprobs=LIKELY)
    async with engine(server) as made:
        done = await made.prefill(question(), partial=partial, tells_end=tells_end)
    assert done is not None and done.end_probability is None
    (body,) = server.bodies("/completion")
    assert body["n_predict"] == 0 and "n_probs" not in body
    assert not server.bodies("/tokenize")


async def test_a_server_that_lists_no_candidates_reads_ahead_and_tells_nothing() -> None:
    async with engine(FakeLlama()) as made:
        done = await made.prefill(question(), partial="what time is it", tells_end=True)
    assert done is not None and done.end_probability is None


async def test_a_server_that_cannot_read_ahead_still_answers_and_one_line_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = FakeLlama(is_llama=False)
    async with engine(server) as made:
        assert await made.prefill(question(), partial="what time") is None
        assert await made.prefill(question(), partial="what time is it") is None
        assert text_of(await ask(made, question()))
        assert text_of(await ask(made, question()))
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert server.bodies("/v1/chat/completions")[-1]["n_keep"] == 4


async def test_a_conversation_too_long_to_be_read_ahead_is_cut_for_the_answer_already() -> None:
    server = FakeLlama(has_limit=True)
    chat_ctx = question()
    for _ in range(60):
        chat_ctx.add_message(role="assistant", content="well " * 10)
        chat_ctx.add_message(role="user", content="so " * 10)
    async with engine(server) as made:
        assert await made.prefill(chat_ctx, partial="and") is None
        assert await made.prefill(chat_ctx, partial="and then") is not None
        assert text_of(await ask(made, chat_ctx))
    assert len(server.bodies("/v1/chat/completions")) == 1
