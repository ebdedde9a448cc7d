"""The real llama.cpp server on a model of random weights: what it keeps, what it drops, how it ends."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
import xllamacpp
from livekit.agents import APIConnectionError, APIConnectOptions, function_tool, llm
from livekit.plugins import llama_cpp
from livekit.plugins.llama_cpp.turn_end import Candidate, end_probability
from livekit.plugins.speechcore import EngineError, EngineThread

from tests.contract import llm_checks
from tests.contract.llm_checks import ask, calls_of, question, text_of
from tests.fakes.eventually import eventually
from tests.models.tiny_llama import END_OF_TURN, TOOL_CALL, write_tiny_llama

CONTEXT_TOKENS = 1024
"""A token is a byte."""

INSTRUCTIONS = "You are a friendly assistant who answers on the telephone. " * 5
ENDLESS = 1_000_000
ONCE = APIConnectOptions(max_retry=0, timeout=10.0)


_PARENT = """
import sys
from pathlib import Path
from livekit.plugins.llama_cpp import LlamaServer, ServerOptions
server = LlamaServer(ServerOptions(model=Path(sys.argv[1]), gpu_layers=0, threads=1))
server.start()
print(server.pid, flush=True)
sys.stdin.read()
"""


@function_tool
async def get_time(is_exact: bool, place: Literal["here", "there"]) -> str:
    """Tells the time."""
    return "It is a quarter past seven."


@pytest.fixture(scope="module")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_llama(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture(scope="module")
def options(tiny_llama: Path) -> llama_cpp.ServerOptions:
    return llama_cpp.ServerOptions(
        model=tiny_llama, context_tokens=CONTEXT_TOKENS, slots=2, threads=1, gpu_layers=0
    )


@pytest.fixture(scope="module")
def server(options: llama_cpp.ServerOptions) -> Iterator[llama_cpp.LlamaServer]:
    server = llama_cpp.LlamaServer(options)
    server.start(timeout_s=15.0)
    yield server
    server.stop()


@asynccontextmanager
async def call(server: llama_cpp.LlamaServer, **options: Any) -> AsyncIterator[llama_cpp.LLM]:
    """The LLM of a call that is on slot 0 unless said otherwise."""
    async with llama_cpp.LLM(server.url, **{"slot": 0, "max_tokens": 24, **options}) as made:
        yield made


def instructed() -> llm.ChatContext:
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="system", content=INSTRUCTIONS)
    return chat_ctx


async def new_tokens(engine: llm.LLM[Any], chat_ctx: llm.ChatContext) -> int:
    """How many tokens of the prompt the server had to evaluate; the answer joins the context."""
    chunks = await ask(engine, chat_ctx)
    chat_ctx.add_message(role="assistant", content=text_of(chunks))
    usage = chunks[-1].usage
    assert usage is not None
    return usage.prompt_tokens - usage.prompt_cached_tokens


async def is_busy(server: llama_cpp.LlamaServer, slot: int = 0) -> bool:
    async with httpx2.AsyncClient(trust_env=False) as http:
        slots = (await http.get(f"{server.url}/slots", timeout=2.0)).json()
    return bool(slots[slot]["is_processing"])


async def test_it_keeps_the_contract_of_an_llm(server: llama_cpp.LlamaServer) -> None:
    async with call(server) as engine:
        await llm_checks.check_answers(engine)
        await llm_checks.check_metrics(engine)
        await llm_checks.check_odd_contexts(engine)
        await llm_checks.check_interruption(engine)
        await llm_checks.check_loop_stays_free(engine)


def test_on_a_processor_it_lets_whisper_and_the_voice_go_first(
    server: llama_cpp.LlamaServer,
) -> None:
    assert server.pid is not None
    assert os.getpriority(os.PRIO_PROCESS, server.pid) == 5
    group = Path(f"/proc/{server.pid}/autogroup")
    if group.exists() and os.geteuid() == 0:
        assert group.read_text().split()[-1] == "5"


async def test_a_turn_costs_its_new_words_alone(server: llama_cpp.LlamaServer) -> None:
    chat_ctx = instructed()
    async with call(server) as engine:
        for turn in range(4):
            text = f"Question number {turn}."
            chat_ctx.add_message(role="user", content=text)
            cost = await new_tokens(engine, chat_ctx)
            assert cost < len(text) + 60 or turn == 0, f"turn {turn} took {cost} tokens"


async def test_calls_on_their_own_slots_do_not_cost_each_other_anything(
    server: llama_cpp.LlamaServer,
) -> None:
    async with call(server, slot=0) as anns, call(server, slot=1) as bobs:
        contexts = [instructed(), instructed()]
        for turn in range(3):
            for engine, chat_ctx in zip((anns, bobs), contexts, strict=True):
                chat_ctx.add_message(role="user", content=f"Question number {turn}.")
                cost = await new_tokens(engine, chat_ctx)
                assert cost < 80 or turn == 0


async def test_the_instructions_are_read_before_the_first_turn(
    server: llama_cpp.LlamaServer,
) -> None:
    opening = llm.ChatContext.empty()
    opening.add_message(role="system", content="You answer for another company. " * 5)
    async with call(server) as engine:
        await engine.warm_up(opening, [get_time])
        chat_ctx = opening.copy()
        chat_ctx.add_message(role="user", content="Hello?")
        chunks = await ask(engine, chat_ctx, tools=[get_time])
    usage = chunks[-1].usage
    assert usage is not None
    assert usage.prompt_tokens > 400
    assert usage.prompt_tokens - usage.prompt_cached_tokens < 60


@pytest.mark.parametrize("tells_end", [False, True])
async def test_what_the_caller_says_is_read_while_they_speak(
    server: llama_cpp.LlamaServer,
    tells_end: bool,
) -> None:
    words = "I would like to know what the weather is like where you are today, if you know."
    async with call(server) as engine:
        chat_ctx = instructed()
        done = [
            await engine.prefill(chat_ctx, partial=words[:end], tells_end=tells_end)
            for end in range(10, len(words), 10)
        ]
        assert all(item is not None for item in done)
        later = [item.new_tokens for item in done[1:] if item is not None]
        assert max(later) <= 11, f"each partial costs its new words: {later}"
        chat_ctx.add_message(role="user", content=words)
        assert await new_tokens(engine, chat_ctx) < 50


async def test_the_end_of_a_turn_is_as_likely_as_the_model_s_next_token(
    server: llama_cpp.LlamaServer,
) -> None:
    partial = "what time is it"
    async with call(server) as engine:
        read = await engine.prefill(instructed(), partial=partial, tells_end=True)
        unasked = await engine.prefill(instructed(), partial=partial)
    async with httpx2.AsyncClient(trust_env=False, base_url=server.url) as http:
        messages = [
            {"role": "system", "content": INSTRUCTIONS},
            {"role": "user", "content": partial},
        ]
        rendered = (await http.post("/apply-template", json={"messages": messages})).json()
        prompt = rendered["prompt"].partition(partial)[0] + partial
        body = {"prompt": prompt, "n_predict": 1, "n_probs": 261, "id_slot": 1}
        listed = (await http.post("/completion", json=body)).json()
    every = listed["completion_probabilities"][0]["top_logprobs"]
    assert sum(math.exp(item["logprob"]) for item in every) == pytest.approx(1.0, abs=0.01)
    wanted = end_probability(
        [Candidate(item["id"], item["token"], item["logprob"]) for item in every], END_OF_TURN
    )
    assert 0.001 < wanted < 0.999
    assert read is not None and read.end_probability == pytest.approx(wanted, rel=0.02)
    assert unasked is not None and unasked.end_probability is None


async def test_an_interrupted_answer_frees_its_slot(server: llama_cpp.LlamaServer) -> None:
    async with call(server, max_tokens=ENDLESS) as engine:
        stream = engine.chat(chat_ctx=question(), conn_options=ONCE)
        for _ in range(20):
            await stream.__anext__()
        assert await is_busy(server)
        await llm_checks.check_close_is_prompt(stream)
        begun_s = time.monotonic()
        while await is_busy(server):
            assert time.monotonic() - begun_s < 0.3, "the slot is still busy"


async def test_a_prefill_that_the_question_overtakes_does_not_keep_it_waiting(
    server: llama_cpp.LlamaServer,
) -> None:
    chat_ctx = instructed()
    async with call(server) as engine:
        for number in range(5):
            partial = asyncio.create_task(engine.prefill(chat_ctx, partial=f"Well, {number}" * 60))
            await asyncio.sleep(0.002)
            begun_s = time.monotonic()
            assert text_of(await ask(engine, question(f"What is {number}?")))
            assert time.monotonic() - begun_s < 0.9, "llama.cpp polls dropped requests each second"
            await partial
    assert not await is_busy(server)


async def test_an_answer_longer_than_the_context_goes_on_and_keeps_the_instructions(
    server: llama_cpp.LlamaServer,
) -> None:
    chat_ctx = instructed()
    async with call(server, max_tokens=CONTEXT_TOKENS) as engine:
        await engine.warm_up(chat_ctx)
        asked = chat_ctx.copy()
        asked.add_message(role="user", content="Tell me a very long story.")
        usage = (await ask(engine, asked))[-1].usage
        assert usage is not None and usage.completion_tokens == CONTEXT_TOKENS
    async with call(server) as engine:
        chat_ctx.add_message(role="user", content="Tell me another.")
        assert await new_tokens(engine, chat_ctx) < 80, "the instructions were lost"


async def test_a_call_does_not_end_with_its_context(server: llama_cpp.LlamaServer) -> None:
    chat_ctx = instructed()
    costs = []
    async with call(server) as engine:
        for turn in range(30):
            chat_ctx.add_message(role="user", content=f"Question {turn}, with some words more." * 3)
            costs.append(await new_tokens(engine, chat_ctx))
        assert len(engine.history.fit(chat_ctx).items) < len(chat_ctx.items)
    assert max(costs[1:]) < 150, f"the conversation is read again: {costs}"


async def test_a_tool_is_called_in_the_grammar_of_its_parameters(
    server: llama_cpp.LlamaServer,
) -> None:
    # It would rather write letters, or spaces for ever, where the grammar lets it.
    wishes = [
        [TOOL_CALL, 50.0],
        [END_OF_TURN, 100.0],
        *([ord(blank), -100.0] for blank in " \t\r\n"),
    ]
    async with call(server, max_tokens=400, extra_body={"logit_bias": wishes}) as engine:
        stream = engine.chat(
            chat_ctx=question("what time is it"), tools=[get_time], tool_choice="required"
        )
        async with stream:
            calls = calls_of([chunk async for chunk in stream])
    assert [made.name for made in calls] == ["get_time"]
    arguments = json.loads(calls[0].arguments)
    assert arguments.keys() == {"is_exact", "place"}
    assert isinstance(arguments["is_exact"], bool) and arguments["place"] in ("here", "there")


async def test_a_draft_model_guesses_and_the_model_decides(
    options: llama_cpp.ServerOptions,
) -> None:
    server = llama_cpp.LlamaServer(replace(options, draft_model=options.model))
    server.start(timeout_s=15.0)
    try:
        async with call(server, extra_body={"temperature": 0.0}) as engine:
            assert text_of(await ask(engine, question())).strip()
        body = {"prompt": "Once upon a time", "n_predict": 24, "temperature": 0.0}
        async with httpx2.AsyncClient(trust_env=False, timeout=10.0) as http:
            timings = (await http.post(f"{server.url}/completion", json=body)).json()["timings"]
        assert timings["draft_n_accepted"] > 0, "nothing was guessed, or every guess was wrong"
    finally:
        server.stop()


@pytest.mark.parametrize("is_kept", [0.9, 0.5, 0.02])
def test_a_truncated_model_is_one_sentence_with_the_remedy(
    options: llama_cpp.ServerOptions, tmp_path: Path, is_kept: float
) -> None:
    whole = options.model.read_bytes()
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(whole[: int(len(whole) * is_kept)])
    with pytest.raises(EngineError, match="run `parley download`") as caught:
        llama_cpp.LlamaServer(replace(options, model=broken)).start(timeout_s=15.0)
    assert "\n" not in str(caught.value)
    assert "llama.cpp's log ends" in caught.value.__notes__[0]


def test_a_model_of_another_kind_is_one_sentence(
    options: llama_cpp.ServerOptions, tmp_path: Path
) -> None:
    foreign = write_tiny_llama(tmp_path / "foreign.gguf", architecture="mamba9")
    with pytest.raises(EngineError, match=r"foreign\.gguf"):
        llama_cpp.LlamaServer(replace(options, model=foreign)).start(timeout_s=15.0)


def test_a_gpu_that_is_not_there_is_told(options: llama_cpp.ServerOptions) -> None:
    cpu = xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_CPU
    if any(device["type"] != cpu for device in xllamacpp.get_device_info()):
        pytest.skip("this machine has one")
    with pytest.raises(EngineError, match="there is no GPU"):
        llama_cpp.LlamaServer(replace(options, gpu_layers=20)).start(timeout_s=15.0)


def test_a_port_that_is_taken_is_told(options: llama_cpp.ServerOptions) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EngineError, match=f"cannot listen on port {port}"):
            llama_cpp.LlamaServer(replace(options, port=port)).start(timeout_s=15.0)


async def test_a_server_killed_in_mid_answer_is_one_clear_error_and_starts_again(
    options: llama_cpp.ServerOptions,
) -> None:
    server = llama_cpp.LlamaServer(options)
    thread = EngineThread("llama-server")
    await thread.call(server.start, timeout_s=15.0)
    watch = asyncio.create_task(llama_cpp.keep_running(server, thread))
    try:
        url = server.url
        async with call(server, max_tokens=ENDLESS) as engine:
            stream = engine.chat(chat_ctx=question(), conn_options=ONCE)
            await stream.__anext__()
            os.kill(server.pid or 0, signal.SIGKILL)
            with pytest.raises(APIConnectionError, match="broke off in mid-answer") as caught:
                async for _ in stream:
                    pass
            assert not caught.value.retryable
            await stream.aclose()
            await eventually(lambda: not server.is_running)
            await eventually(lambda: server.is_running and is_healthy(url))
            assert server.url == url
        async with call(server) as engine:
            assert text_of(await ask(engine, question(), conn_options=ONCE))
    finally:
        watch.cancel()
        server.stop()
        server.stop()
        thread.close()


def test_the_server_ends_with_a_parent_that_is_killed(tiny_llama: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tiny_llama)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    deadline_s = time.monotonic() + 3.0
    while is_alive(child):
        assert time.monotonic() < deadline_s, "the server has outlived its parent"
        time.sleep(0.02)


def is_healthy(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/health", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


def is_alive(pid: int) -> bool:
    """A process that has ended may still wait to be collected."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
