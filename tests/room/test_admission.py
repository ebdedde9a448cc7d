"""How many calls workers take, however many come at once, and what the others are told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from livekit import api
from livekit.protocol.models import ParticipantInfo

from agent.continuity.waiting import is_mark
from tests.room.conftest import Join
from tests.stack.faults import job_processes
from tests.stack.processes import KEYS, LiveKit, Worker, running_worker

LIMIT = 4
BURST = 50
TOLD_S = 3.0
"""After which livekit-server knows that a worker has room again: workers tell it every 2.5 s."""


def environment(livekit: LiveKit, name: str, max_sessions: int) -> dict[str, str]:
    own = {"AGENT_PROFILE": "simulated", "AGENT_NAME": name}
    return livekit.environment | own | {"AGENT_MAX_SESSIONS": str(max_sessions)}


@pytest.fixture
def pool(livekit: LiveKit) -> Iterator[list[Worker]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(running_worker(environment(livekit, "pool", LIMIT)))
            for _ in range(2)
        ]


@pytest.fixture
def lone(livekit: LiveKit) -> Iterator[Worker]:
    """A worker with room for one call."""
    with running_worker(environment(livekit, "lone", 1)) as worker:
        yield worker


def server_api(livekit: LiveKit) -> api.LiveKitAPI:
    return api.LiveKitAPI(livekit.url, KEYS.api_key, KEYS.api_secret)


async def agents(server: api.LiveKitAPI, rooms: list[str]) -> int:
    """Agents that are in these rooms."""
    lists = await asyncio.gather(
        *(server.room.list_participants(api.ListParticipantsRequest(room=room)) for room in rooms)
    )
    return sum(p.kind == ParticipantInfo.Kind.AGENT for found in lists for p in found.participants)


def calls(workers: list[Worker]) -> list[int]:
    return [worker.probe()[1]["calls"] for worker in workers]


async def test_fifty_dispatches_at_once_fill_two_workers_and_no_call_is_too_many(
    pool: list[Worker], livekit: LiveKit
) -> None:
    rooms = [f"burst-{n}" for n in range(BURST)]
    async with server_api(livekit) as server:
        asked = (api.CreateAgentDispatchRequest(agent_name="pool", room=room) for room in rooms)
        await asyncio.gather(*map(server.agent_dispatch.create_dispatch, asked))
        end_s = time.monotonic() + 30
        while (there := await agents(server, rooms)) < 2 * LIMIT:
            assert time.monotonic() < end_s, f"{there} agents, {calls(pool)} calls"
            assert max(calls(pool)) <= LIMIT
            await asyncio.sleep(0.1)
        await asyncio.sleep(2.0)  # for any that are too many
        assert await agents(server, rooms) == 2 * LIMIT
        assert calls(pool) == [LIMIT, LIMIT]
        assert [len(job_processes(worker)) for worker in pool] == [LIMIT, LIMIT]
        assert all(worker.probe()[0] == 200 for worker in pool), "a full worker is ready"

        deleted = (api.DeleteRoomRequest(room=room) for room in rooms)
        await asyncio.gather(*map(server.room.delete_room, deleted))
        while any(calls(pool)):
            assert time.monotonic() < end_s + 20, "calls that ended still count"
            await asyncio.sleep(0.1)
        await asyncio.sleep(TOLD_S)
        one_more = api.CreateAgentDispatchRequest(agent_name="pool", room="one-more")
        await server.agent_dispatch.create_dispatch(one_more)
        while not await agents(server, ["one-more"]):
            assert time.monotonic() < end_s + 40, "there is room again, but no agent"
            await asyncio.sleep(0.1)
        await server.room.delete_room(api.DeleteRoomRequest(room="one-more"))


async def test_a_caller_whom_no_worker_takes_is_told_why_and_served_when_one_is_free(
    lone: Worker, join: Join
) -> None:
    first = await join("lone")
    await first.wait_for(lambda: first.room.remote_participants, "agent")
    second = await join("lone")
    await second.wait_for(lambda: is_mark(second.room.metadata), "word of the pool")
    assert not second.room.remote_participants
    assert "as soon as one is free" in second.room.metadata
    assert "parley_worker_full 1.0" in lone.metrics()
    await first.leave()
    await second.wait_for(lambda: second.room.remote_participants, "agent")
    await second.wait_for(lambda: second.room.metadata == "", "end of the waiting")
