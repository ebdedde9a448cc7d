from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import pytest

from tests.stack.caller import Caller, join_token
from tests.stack.processes import KEYS, LiveKit, Worker, running_worker

Join = Callable[..., Coroutine[Any, Any, Caller]]


@pytest.fixture(scope="module")
def simulated(livekit: LiveKit) -> Iterator[Worker]:
    """A worker with simulated engines, dispatched to by name: other workers leave it alone."""
    environment = {"AGENT_PROFILE": "simulated", "AGENT_NAME": "simulated"}
    with running_worker(livekit.environment | environment) as worker:
        yield worker


@pytest.fixture(scope="module")
def embedded(livekit: LiveKit) -> Iterator[Worker]:
    environment = {"AGENT_PROFILE": "embedded", "AGENT_NAME": "embedded"}
    with running_worker(livekit.environment | environment) as worker:
        yield worker


@pytest.fixture
async def join(livekit: LiveKit) -> AsyncIterator[Join]:
    """Brings a caller into a room (a new one by default) together with the named agent."""
    callers: list[Caller] = []

    async def join_room(
        agent: str, *, room: str = "", metadata: str = "", caller: Caller | None = None
    ) -> Caller:
        caller = caller or Caller()
        room = room or f"test-{uuid.uuid4().hex[:8]}"
        token = join_token(KEYS.api_key, KEYS.api_secret, room, caller.identity, agent, metadata)
        callers.append(caller)
        await caller.join(livekit.url, token)
        return caller

    yield join_room
    await asyncio.gather(*(caller.leave() for caller in callers))
