"""Two LiveKit nodes on one Redis, three workers, callers on either node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.room.lost_calls import SHORT, ask, begin_call
from tests.stack.caller import Caller
from tests.stack.faults import job_processes
from tests.stack.nodes import Node, livekit_nodes, node_of
from tests.stack.processes import Worker, running_worker
from tests.stack.redis import redis_server

AT_FIRST, AT_SECOND = "at-the-first-node", "at-the-second-node"
"""Agents by the node that their workers are connected to."""


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture(scope="module")
def nodes(redis: str) -> Iterator[list[Node]]:
    with livekit_nodes(redis) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def workers(nodes: list[Node], redis: str) -> Iterator[list[Worker]]:
    """One at the first node, two at the second."""
    first, second = nodes
    own = {"AGENT_PROFILE": "simulated", "AGENT_REDIS": redis}
    spread = [(first, AT_FIRST), (second, AT_SECOND), (second, AT_SECOND)]
    starting = [
        running_worker(node.livekit.environment | own | {"AGENT_NAME": name})
        for node, name in spread
    ]
    with ExitStack() as stack:
        with ThreadPoolExecutor() as pool:
            running = list(pool.map(stack.enter_context, starting))
        yield running


@pytest.fixture
async def callers() -> AsyncIterator[list[Caller]]:
    callers = [Caller() for _ in range(3)]
    yield callers
    await asyncio.gather(*(caller.leave() for caller in callers))


async def begin(caller: Caller, via: Node, on: Node, agent: str) -> str:
    """Connects to one node, for a room that may be on another; until the first answer."""
    room = await on.open_room(agent, SHORT)
    await begin_call(caller, via.url, room)
    return room


async def test_callers_on_either_node_talk_to_agents_of_workers_at_the_other(
    nodes: list[Node], workers: list[Worker], redis: str, callers: list[Caller]
) -> None:
    first, second = nodes
    rooms = await asyncio.gather(
        begin(callers[0], first, first, AT_SECOND),
        begin(callers[1], second, second, AT_FIRST),
        begin(callers[2], first, second, AT_FIRST),  # and its signals by way of the first
    )
    assert [node_of(room, redis) for room in rooms] == [first.id, second.id, second.id]
    at_first, *at_second = (len(job_processes(worker)) for worker in workers)
    assert (at_first, sum(at_second)) == (2, 1)
    await asyncio.gather(*(ask(caller) for caller in callers))
    for caller in callers:
        assert "Reply 2" in caller.said("agent")
        assert len(caller.room.remote_participants) == 1
