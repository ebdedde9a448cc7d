"""One of two LiveKit nodes dies in mid-call, and the worker beside it.

Callers and workers have one address, behind which a load balancer finds a node that lives: LiveKit's
clients come back to the address that they were given, and know no other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from livekit import rtc

from agent.web.rules import Rules
from agent.web.server import WebOptions, serve
from tests.browser.chromium import chromium
from tests.browser.conftest import DIST
from tests.browser.microphone import write_microphone
from tests.browser.visitor import Visitor
from tests.room.lost_calls import BACK, SHORT, ask, begin_call
from tests.stack.caller import Caller
from tests.stack.cuttable import Cuttable, cuttable
from tests.stack.faults import kill_the_job
from tests.stack.nodes import Node, livekit_nodes
from tests.stack.processes import KEYS, Worker, running_worker
from tests.stack.redis import redis_server

BESIDE, ELSEWHERE = "beside-the-caller", "elsewhere"
"""Agents by where their workers are, for a caller of the first node."""
RETURN_S = 60.0
"""Longer than LiveKit's clients try."""
SETTLED_S = 4.0
"""A call that has had one agent for so long has no other on its way."""


@dataclass(frozen=True)
class Pair:
    """Two nodes, and a way to each that leads to the other one when it is gone."""

    redis: str
    first: Node
    second: Node
    by_first: Cuttable
    by_second: Cuttable
    folder: Path

    def worker(self, way: Cuttable, name: str) -> AbstractContextManager[Worker]:
        """On a machine of its own, as far as its files are concerned."""
        own = {
            "LIVEKIT_URL": way.url,
            "LIVEKIT_API_KEY": KEYS.api_key,
            "LIVEKIT_API_SECRET": KEYS.api_secret,
            "AGENT_PROFILE": "simulated",
            "AGENT_NAME": name,
            "AGENT_REDIS": self.redis,
            "AGENT_CACHE_DIR": str(self.folder / f"{name}-{way.port}"),
        }
        return running_worker(own)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with (
        redis_server() as redis,
        livekit_nodes(redis) as (first, second),
        cuttable(first.port, second.port) as by_first,
        cuttable(second.port, first.port) as by_second,
    ):
        yield Pair(redis, first, second, by_first, by_second, tmp_path)


@pytest.fixture
async def callers() -> AsyncIterator[list[Caller]]:
    callers = [Caller() for _ in range(3)]
    yield callers
    await asyncio.gather(*(caller.leave() for caller in callers))


def has_one_agent(caller: Caller) -> bool:
    is_connected = caller.room.connection_state == rtc.ConnectionState.CONN_CONNECTED
    return is_connected and len(caller.room.remote_participants) == 1


async def settled(caller: Caller) -> None:
    """Until the caller has been alone with one silent agent for a while."""
    await caller.wait_for(lambda: has_one_agent(caller), "agent", RETURN_S)
    since_s = time.monotonic()
    while time.monotonic() - since_s < SETTLED_S:
        await asyncio.sleep(0.05)
        if not has_one_agent(caller):
            await caller.wait_for(lambda: has_one_agent(caller), "agent", RETURN_S)
            since_s = time.monotonic()
    await caller.wait_for_quiet()


async def begin(caller: Caller, way: Cuttable, on: Node, agent: str) -> None:
    await begin_call(caller, way.url, await on.open_room(agent, SHORT))


@pytest.mark.timeout(300)
async def test_calls_of_the_living_node_go_on_and_those_of_the_dead_one_come_back_to_it(
    pair: Pair, callers: list[Caller]
) -> None:
    lost, crossed, kept = callers
    with ExitStack() as stack:
        beside, _ = await asyncio.gather(
            asyncio.to_thread(stack.enter_context, pair.worker(pair.by_first, BESIDE)),
            asyncio.to_thread(stack.enter_context, pair.worker(pair.by_second, ELSEWHERE)),
        )
        await asyncio.gather(
            begin(lost, pair.by_first, pair.first, BESIDE),
            begin(crossed, pair.by_first, pair.first, ELSEWHERE),
            begin(kept, pair.by_second, pair.second, ELSEWHERE),
        )
        spare = await asyncio.to_thread(stack.enter_context, pair.worker(pair.by_second, BESIDE))
        (agent_of_kept,) = kept.room.remote_participants
        pair.first.kill()
        beside.kill()

        await ask(kept)
        assert "Reply 2" in kept.said("agent")
        assert list(kept.room.remote_participants) == [agent_of_kept]
        assert BACK not in kept.said("agent")

        await lost.wait_for(lambda: BACK in lost.said("agent"), "return", RETURN_S)
        for caller in (lost, crossed):
            await settled(caller)
            await ask(caller)
            assert "Reply 2" in caller.said("agent")

        # LiveKit goes on listing the agent that died with its node.
        kill_the_job(spare)
        await lost.wait_for(lambda: lost.said("agent").count(BACK) == 2, "second return")
        await lost.wait_for_quiet()
        await ask(lost)
        assert "Reply 3" in lost.said("agent")
        assert not kept.closed.is_set() and not kept.notices


@pytest.mark.timeout(300)
async def test_the_page_comes_back_to_the_living_node_and_finds_the_conversation(
    pair: Pair, tmp_path: Path
) -> None:
    with pair.worker(pair.by_second, ELSEWHERE) as worker:
        room = await pair.first.open_room(ELSEWHERE, SHORT)
        options = WebOptions(
            livekit_url=pair.by_first.url,
            api_key=KEYS.api_key,
            api_secret=KEYS.api_secret,
            dist=DIST,
            agent_name=ELSEWHERE,
            port=0,
            rules=Rules(rooms=(room,)),
        )
        page = await serve(options)
        microphone = write_microphone(tmp_path / "microphone.wav")
        try:
            async with chromium(microphone) as browser:
                address = f"http://127.0.0.1:{page.addresses[0][1]}/?room={room}"
                visitor = await Visitor.open(await browser.new_context(), address)
                await visitor.talk()
                await visitor.in_phase("live")
                await visitor.type("One")
                await visitor.sees(visitor.lines("agent", "Reply 1"))
                kill_the_job(worker)
                pair.first.kill()
                await visitor.in_phase("reconnecting")
                await visitor.in_phase("live", RETURN_S)
                await visitor.sees(visitor.lines("agent", BACK))
                await visitor.type("Two")
                await visitor.sees(visitor.lines("agent", "Reply 2"))
                await visitor.leave()
        finally:
            await page.cleanup()
