"""Reading before there are calls, against scripted answers; tests/models has the real server."""

from __future__ import annotations

import asyncio

from livekit.plugins.llama_cpp import read_in_pauses

from tests.contract.llm_checks import question
from tests.fakes.eventually import eventually
from tests.fakes.llama_http import FakeLlama, engine


async def test_a_call_that_begins_ends_the_reading_which_is_taken_up_after_it() -> None:
    server = FakeLlama(evaluation_s=5.0)
    calls = ["ann"]
    async with engine(server, slot=1) as made:
        reading = asyncio.create_task(
            read_in_pauses(made, question(), [], is_in_use=lambda: bool(calls))
        )
        await asyncio.sleep(0.02)
        assert not server.asked, "it waits for the call that was there first"
        calls.clear()
        await eventually(lambda: server.bodies("/completion"))
        calls.append("bob")
        await eventually(lambda: server.dropped)
        server.evaluation_s = 0.0
        calls.clear()
        read = await reading
    assert read is not None and read.prompt_tokens > 0
    assert [body["id_slot"] for body in server.bodies("/completion")] == [1, 1]


async def test_reading_that_is_cancelled_leaves_the_server_alone() -> None:
    server = FakeLlama(evaluation_s=5.0)
    async with engine(server) as made:
        reading = asyncio.create_task(read_in_pauses(made, question(), [], is_in_use=lambda: False))
        await eventually(lambda: server.bodies("/completion"))
        reading.cancel()
        await asyncio.wait({reading})
    assert server.dropped == 1


async def test_a_server_that_cannot_read_ahead_is_asked_once() -> None:
    server = FakeLlama(is_llama=False)
    async with engine(server) as made:
        assert await read_in_pauses(made, question(), [], is_in_use=lambda: False) is None
    assert [path for path, _ in server.asked] == ["/apply-template"]
