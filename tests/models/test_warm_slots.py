"""What calls begin with is in all slots of the real llama.cpp server before there is a call."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from livekit.plugins import llama_cpp
from livekit.plugins.speechcore import EngineThread

from agent.config import Settings
from agent.opening import Opening, opening_of
from tests.contract.llm_checks import ask
from tests.fakes.eventually import eventually
from tests.models.tiny_llama import write_tiny_llama

SLOTS = 3
CONTEXT_TOKENS = 16_384
"""A token is a byte."""

READ = "llama.cpp has read what calls begin with"
FILLED = "llama.cpp's slots have what calls begin with"


@pytest.fixture(scope="module")
def opening() -> Opening:
    return opening_of(Settings(_env_file=None))


@pytest.fixture
def options(tmp_path: Path) -> llama_cpp.ServerOptions:
    return llama_cpp.ServerOptions(
        model=write_tiny_llama(tmp_path / "tiny.gguf"),
        context_tokens=CONTEXT_TOKENS,
        slots=SLOTS,
        threads=1,
        gpu_layers=0,
        slots_folder=tmp_path,
    )


@asynccontextmanager
async def started(
    options: llama_cpp.ServerOptions, opening: Opening, calls: list[str]
) -> AsyncIterator[tuple[llama_cpp.LlamaServer, llama_cpp.WarmSlots]]:
    """A server that is kept running, as a worker does it; `calls` are those that there are."""
    server, thread = llama_cpp.LlamaServer(options), EngineThread("llama-server")
    await thread.call(server.start, timeout_s=15.0)
    warm = llama_cpp.WarmSlots(
        server.url,
        opening.chat_ctx,
        opening.tools,
        slots=SLOTS,
        is_in_use=lambda: bool(calls),
    )
    warm.begin()
    keeping = asyncio.create_task(llama_cpp.keep_running(server, thread, on_start=warm.begin))
    try:
        yield server, warm
    finally:
        keeping.cancel()
        await asyncio.wait({keeping})
        await warm.aclose()
        server.stop()
        thread.close()


async def check_all_slots_have_it(server: llama_cpp.LlamaServer, opening: Opening) -> None:
    """Each by the first request of a call of its own."""
    for slot in range(SLOTS):
        chat_ctx = opening.chat_ctx.copy()
        chat_ctx.add_message(role="user", content="Hello?")
        async with llama_cpp.LLM(server.url, slot=slot, max_tokens=4) as engine:
            usage = (await ask(engine, chat_ctx, tools=opening.tools))[-1].usage
        assert usage is not None and usage.prompt_tokens > 3000
        assert usage.prompt_cached_tokens > 0.9 * usage.prompt_tokens, f"slot {slot}"


async def asked(server: llama_cpp.LlamaServer) -> list[int]:
    """Slots to which a request has come since the start, and is over."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        slots = (await http.get(f"{server.url}/slots", timeout=2.0)).json()
    return [slot["id"] for slot in slots if "id_task" in slot and not slot["is_processing"]]


async def test_the_first_turn_of_a_call_on_any_slot_costs_its_words_alone(
    options: llama_cpp.ServerOptions, opening: Opening, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with started(options, opening, calls=[]) as (server, warm):
        assert await warm.wait(20.0)
        assert await asked(server) == [0], "the others were given it"
        await check_all_slots_have_it(server, opening)
    assert caplog.text.count(READ) == 1


async def test_a_server_that_was_killed_has_it_again_without_reading(
    options: llama_cpp.ServerOptions, opening: Opening, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with started(options, opening, calls=[]) as (server, warm):
        assert await warm.wait(20.0)
        killed = server.pid
        os.kill(killed or 0, signal.SIGKILL)
        await eventually(lambda: server.is_running and server.pid != killed)
        await eventually(lambda: caplog.text.count(FILLED) == 2)
        assert await asked(server) == []
        await check_all_slots_have_it(server, opening)
    assert caplog.text.count(READ) == 1


async def test_without_a_folder_each_slot_reads_for_itself_in_the_pauses_of_the_calls(
    options: llama_cpp.ServerOptions, opening: Opening
) -> None:
    calls = ["ann"]
    without = replace(options, slots_folder=None)
    async with started(without, opening, calls) as (server, warm):
        assert not await warm.wait(0.5)
        assert await asked(server) == []
        calls.clear()
        assert await warm.wait(20.0)
        async with asyncio.timeout(20.0):
            while True:
                if await asked(server) == list(range(SLOTS)):
                    break
                await asyncio.sleep(0.05)
        await check_all_slots_have_it(server, opening)
