"""A worker that is told to end while people talk to its agents."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.room.conftest import Join
from tests.room.lost_calls import SHORT, ask, ask_first
from tests.room.rolling import UNHURRIED, Pace, rolling_restart
from tests.stack.processes import LiveKit, Worker, running_worker

GOODBYE = "Our time is over, goodbye."
EXIT_S = 30.0


@pytest.fixture
def worker(livekit: LiveKit, request: pytest.FixtureRequest) -> Iterator[Worker]:
    """In production, with the time to drain that the test gives."""
    own = {"AGENT_PROFILE": "simulated", "AGENT_NAME": "drained", "AGENT_DRAIN_GOODBYE": GOODBYE}
    limit = {"AGENT_DRAIN_S": str(request.param)}
    with running_worker(livekit.environment | own | limit | UNHURRIED, "start") as worker:
        yield worker


async def exit_status(worker: Worker) -> int:
    return await asyncio.to_thread(worker.process.wait, EXIT_S)


@pytest.mark.parametrize("worker", [60], indirect=True)
async def test_its_calls_go_on_and_no_new_ones_come_until_it_has_ended(
    worker: Worker, join: Join
) -> None:
    assert worker.probe()[0] == 200
    caller = await join("drained", metadata=SHORT)
    await ask_first(caller)
    worker.process.terminate()
    await caller.wait_for(lambda: worker.probe()[0] == 503, "end of the readiness", 2)
    assert worker.probe()[1] | {"load": 0} == {
        "ready": False,
        "draining": True,
        "calls": 1,
        "max_calls": None,
        "load": 0,
    }
    assert worker.probe("/healthz")[0] == 200
    late = await join("drained", metadata=SHORT)
    await ask(caller)
    assert "Reply 2" in caller.said("agent")
    assert not late.room.remote_participants
    await caller.leave()
    assert await exit_status(worker) == 0
    assert not caller.notices


@pytest.mark.parametrize("worker", [1], indirect=True)
async def test_when_its_time_is_over_calls_end_with_a_goodbye(worker: Worker, join: Join) -> None:
    caller = await join("drained", metadata=SHORT)
    await ask_first(caller)
    worker.process.terminate()
    await caller.wait_for(lambda: GOODBYE in caller.said("agent"), "goodbye")
    await caller.wait_for(caller.closed.is_set, "end of the call", 10)
    assert [notice["code"] for notice in caller.notices] == ["ended"]
    assert await exit_status(worker) == 0


@pytest.mark.timeout(240)
async def test_three_workers_are_replaced_under_four_callers_and_nobody_is_dropped(
    livekit: LiveKit,
) -> None:
    answered = await rolling_restart(livekit, 4, Pace())
    assert answered.calls > 4 and answered.questions >= 8
