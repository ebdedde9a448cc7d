"""The LLM against scripted answers; tests/models/test_llama_cpp.py has the real server."""

from __future__ import annotations

import inspect
import logging
from typing import Any

import pytest
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APIStatusError,
    function_tool,
    llm,
)
from livekit.agents.inference.llm import LLMStream as FrameworkStream
from livekit.plugins import llama_cpp
from livekit.plugins.llama_cpp.errors import MalformedCall

from tests.contract import llm_checks
from tests.contract.llm_checks import ask, calls_of, question, text_of
from tests.fakes.llama_http import (
    CONTEXT_TOKENS,
    LLAMA_URL,
    STORY,
    FakeLlama,
    Reply,
    called,
    engine,
    refused,
    spoken,
    tokens,
)


@function_tool
async def get_time(time_zone: str | None = None) -> str:
    """Tells the time."""
    return "It is a quarter past seven."


@function_tool
async def set_timer(duration_s: float) -> str:
    """Sets a timer."""
    return "It is set."


async def chat_body(server: FakeLlama, **options: Any) -> dict[str, Any]:
    async with engine(server, **options) as made:
        await ask(made, question())
    return server.bodies("/v1/chat/completions")[-1]


async def test_each_request_keeps_the_call_s_slot_its_cache_and_its_instructions() -> None:
    server = FakeLlama()
    body = await chat_body(server, slot=3, extra_body={"seed": 7})
    assert (body["id_slot"], body["cache_prompt"], body["seed"]) == (3, True, 7)
    assert body["n_keep"] == len(tokens("<system>You are an assistant.<end><user>"))


async def test_the_instructions_are_counted_when_they_change() -> None:
    server = FakeLlama()
    other = llm.ChatContext.empty()
    other.add_message(role="system", content="You are a pirate.")
    async with engine(server) as made:
        for chat_ctx in (question(), question("And then?"), other, other):
            await ask(made, chat_ctx)
    kept = [body["n_keep"] for body in server.bodies("/v1/chat/completions")]
    assert kept[0] == kept[1] > kept[2] == kept[3]
    assert len(server.bodies("/tokenize")) == 2


async def test_without_a_slot_the_server_picks_one() -> None:
    assert (await chat_body(FakeLlama()))["id_slot"] == -1


async def test_an_answer_has_an_end_and_no_thoughts_unless_asked_for() -> None:
    body = await chat_body(FakeLlama())
    assert body["max_tokens"] == 512
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    body = await chat_body(FakeLlama(), may_think=True, max_tokens=20, temperature=0.2)
    assert body["chat_template_kwargs"] == {"enable_thinking": True}
    assert (body["max_tokens"], body["temperature"]) == (20, 0.2)


async def test_a_tool_chosen_by_name_is_the_only_one_that_is_shown() -> None:
    server = FakeLlama([called("get_time", "{}")])
    async with engine(server) as made:
        choice: llm.ToolChoice = {"type": "function", "function": {"name": "get_time"}}
        stream = made.chat(chat_ctx=question(), tools=[set_timer, get_time], tool_choice=choice)
        async with stream:
            assert calls_of([chunk async for chunk in stream])
    body = server.bodies("/v1/chat/completions")[0]
    assert body["tool_choice"] == "required"
    assert [tool["function"]["name"] for tool in body["tools"]] == ["get_time"]


async def test_a_choice_of_a_tool_that_is_not_there_leaves_the_others() -> None:
    server = FakeLlama([called("get_time", "{}")])
    async with engine(server) as made:
        choice: llm.ToolChoice = {"type": "function", "function": {"name": "fly"}}
        stream = made.chat(chat_ctx=question(), tools=[get_time], tool_choice=choice)
        async with stream:
            assert calls_of([chunk async for chunk in stream])


async def test_a_url_may_end_as_openai_s_does() -> None:
    for url in (LLAMA_URL, f"{LLAMA_URL}/", f"{LLAMA_URL}/v1", f"{LLAMA_URL}/v1/"):
        async with llama_cpp.LLM(url) as made:
            assert made.url == LLAMA_URL


async def test_tools_are_called_and_their_answers_spoken_about() -> None:
    server = FakeLlama([called("get_time", "{}"), spoken("It is a ", "quarter past seven.")])
    async with engine(server) as made:
        await llm_checks.check_tool_call(made, "what time is it", get_time)


async def test_arguments_that_come_in_pieces_are_one_call() -> None:
    server = FakeLlama([called("get_time", '{"time_', 'zone": ', '"UTC"}')])
    async with engine(server) as made:
        calls = calls_of(await ask(made, question(), tools=[get_time]))
    assert [(call.name, call.arguments) for call in calls] == [("get_time", '{"time_zone": "UTC"}')]


async def test_a_call_without_arguments_has_an_empty_object() -> None:
    async with engine(FakeLlama([called("get_time")])) as made:
        assert calls_of(await ask(made, question(), tools=[get_time]))[0].arguments == "{}"


@pytest.mark.parametrize(
    "reply",
    [
        called("get_time", '{"time_zone": '),
        called("get_time", "[1]"),
        called("get_time", '{"time_zone": "U', finish="length"),
    ],
)
async def test_a_malformed_call_is_one_clear_error_that_can_be_tried_again(reply: Reply) -> None:
    async with engine(FakeLlama([reply])) as made:
        with pytest.raises(MalformedCall, match="call") as caught:
            await ask(made, question(), tools=[get_time])
    assert caught.value.retryable


async def test_after_words_a_malformed_call_is_not_tried_again() -> None:
    reply = Reply(deltas=[{"content": "Let me see. "}, *called("get_time", "{").deltas])
    async with engine(FakeLlama([reply])) as made:
        with pytest.raises(MalformedCall) as caught:
            await ask(made, question(), tools=[get_time])
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "reply",
    [
        spoken("<think>", "They want", " a story.</think>", "Once."),
        spoken("<th", "ink>They want a story.</", "think>", "Onc", "e."),
        spoken("[THINK]They want[/TH", "INK]Once."),
        Reply(deltas=[{"reasoning_content": "They want a story."}, {"content": "Once."}]),
    ],
)
async def test_thoughts_are_never_spoken(reply: Reply) -> None:
    async with engine(FakeLlama([reply])) as made:
        assert text_of(await ask(made, question())) == "Once."


async def test_an_interrupted_answer_drops_its_connection() -> None:
    server = FakeLlama([spoken(*"abcdefgh", pace_s=0.05)])
    async with engine(server) as made:
        await llm_checks.check_interruption(made)
        assert server.dropped == 1


async def test_the_first_token_has_a_deadline() -> None:
    async with engine(FakeLlama([spoken("late", delay_s=5.0)])) as made:
        await llm_checks.check_deadline_is_kept(made)


async def test_the_deadline_is_for_the_first_token_not_for_the_whole_answer() -> None:
    options = APIConnectOptions(max_retry=0, timeout=0.2)
    async with engine(FakeLlama([spoken(*"abcdefgh", pace_s=0.05)])) as made:
        assert text_of(await ask(made, question(), conn_options=options)) == "abcdefgh"


async def test_a_thought_is_a_sign_of_life() -> None:
    thoughts = [{"reasoning_content": "hm"}] * 6
    reply = Reply(deltas=[*thoughts, {"content": "Once."}], pace_s=0.05)
    options = APIConnectOptions(max_retry=0, timeout=0.2)
    async with engine(FakeLlama([reply])) as made:
        assert text_of(await ask(made, question(), conn_options=options)) == "Once."


async def test_an_answer_that_breaks_off_is_not_said_again() -> None:
    server = FakeLlama([spoken("Once ", "upon", breaks_off=True)])
    async with engine(server) as made:
        with pytest.raises(APIConnectionError, match="broke off in mid-answer") as caught:
            await ask(made, question(), conn_options=APIConnectOptions(max_retry=3, timeout=5))
    assert not caught.value.retryable
    assert len(server.bodies("/v1/chat/completions")) == 1


async def test_one_that_breaks_off_before_the_first_word_is_asked_for_again() -> None:
    server = FakeLlama([Reply(breaks_off=True), STORY])
    options = APIConnectOptions(max_retry=1, retry_interval=0.01, timeout=5)
    async with engine(server) as made:
        assert text_of(await ask(made, question(), conn_options=options)).startswith("Once")


async def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    async with llama_cpp.LLM("http://127.0.0.1:9") as made:
        with pytest.raises(
            APIConnectionError, match="no answer from the llama.cpp server at http://127"
        ):
            await ask(made, question())


@pytest.mark.parametrize(
    ("code", "kind", "wanted", "is_retried"),
    [
        (503, "unavailable_error", "is still loading its model", True),
        (401, "authentication_error", "wants another API key", False),
        (400, "invalid_request_error", r"refused the request \(invalid_request_error\)", False),
        (500, "server_error", r"refused the request \(server_error\)", True),
    ],
)
async def test_a_refusal_is_put_into_words_that_do_not_quote_the_caller(
    code: int, kind: str, wanted: str, is_retried: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with engine(FakeLlama([refused(code, kind)])) as made:
        with pytest.raises(APIStatusError, match=wanted) as caught:
            await ask(made, question())
    assert caught.value.retryable == is_retried
    assert "the caller said so" not in str(caught.value) + caplog.text


async def test_an_error_in_mid_stream_does_not_quote_the_caller_either() -> None:
    late = spoken("Once", late_error={"code": 500, "message": "the caller said so"})
    async with engine(FakeLlama([late])) as made:
        with pytest.raises(APIConnectionError, match="broke off") as caught:
            await ask(made, question())
    assert "the caller said so" not in str(caught.value)


async def test_a_conversation_longer_than_the_context_loses_its_oldest_turns() -> None:
    server = FakeLlama(has_limit=True)
    chat_ctx = question()
    for turn in range(60):
        chat_ctx.add_message(role="assistant", content=f"answer {turn} " + "well " * 10)
        chat_ctx.add_message(role="user", content=f"question {turn} " + "so " * 10)
    async with engine(server) as made:
        assert text_of(await ask(made, chat_ctx))
        chat_ctx.add_message(role="user", content="and then?")
        assert text_of(await ask(made, chat_ctx))
    refusal, cut, next_turn = [body["messages"] for body in server.bodies("/v1/chat/completions")]
    assert cut[0] == refusal[0] and cut[-1] == refusal[-1]
    assert cut[1]["role"] == "user" and len(cut) < len(refusal)
    assert next_turn[: len(cut)] == cut, "the cache cannot be used again"


async def test_a_very_long_question_is_answered() -> None:
    async with engine(FakeLlama(has_limit=True)) as made:
        assert text_of(await ask(made, question("well " * 20_000)))


async def test_instructions_that_do_not_fit_are_one_clear_error() -> None:
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="system", content="Be brief. " * CONTEXT_TOKENS)
    chat_ctx.add_message(role="user", content="hi")
    async with engine(FakeLlama(has_limit=True)) as made:
        with pytest.raises(APIError, match="do not fit into the model's context of 4096") as caught:
            await ask(made, chat_ctx)
    assert not caught.value.retryable


async def test_a_server_that_refuses_whatever_is_cut_is_not_asked_for_ever() -> None:
    overflow = refused(400, "exceed_context_size_error", n_prompt_tokens=9, n_ctx=8)
    server = FakeLlama([overflow])
    chat_ctx = question()
    for _ in range(20):
        chat_ctx.add_message(role="user", content="and then? " * 30)
    async with engine(server) as made:
        with pytest.raises(APIError, match="do not fit"):
            await ask(made, chat_ctx)
    assert len(server.bodies("/v1/chat/completions")) == 5


def test_the_framework_s_stream_has_the_seams_that_ours_uses() -> None:
    assert list(inspect.signature(FrameworkStream._parse_choice).parameters) == [
        "self",
        "id",
        "choice",
        "thinking_filter",
    ]
    source = inspect.getsource(FrameworkStream._run)
    for name in ("_parse_choice", "self._extra_kwargs", "self._chat_ctx", "e.body"):
        assert name in source
