"""The LiveKit server or the way to it fails in mid-call, or a whole worker dies."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from livekit import rtc

from tests.room.lost_calls import BACK, SHORT, ask, ask_first
from tests.stack.caller import Caller, join_token
from tests.stack.cuttable import cuttable
from tests.stack.faults import (
    RestartableServer,
    job_processes,
    kill_the_job,
    kill_the_machine,
    restartable_server,
)
from tests.stack.processes import KEYS, Worker, running_worker
from tests.stack.redis import redis_server

AFRESH = "Sorry, the line broke. Please tell me again what you need."
RETURN_S = 6.0
"""Until another worker's agent is heard: sooner than one that was just asked for is given up, and than
the server takes one for gone of whom it hears nothing."""


@pytest.fixture
def server() -> Iterator[RestartableServer]:
    with restartable_server() as server:
        yield server


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    caller = Caller()
    yield caller
    await caller.leave()


def environment(server: RestartableServer, folder: Path, **more: str) -> dict[str, str]:
    own = {"AGENT_PROFILE": "simulated", "AGENT_NAME": "faults", "AGENT_CACHE_DIR": str(folder)}
    return server.livekit.environment | own | more


async def join(caller: Caller, url: str) -> None:
    room = f"call-{uuid.uuid4().hex[:8]}"
    token = join_token(KEYS.api_key, KEYS.api_secret, room, caller.identity, "faults", SHORT)
    await caller.join(url, token)


async def begin_call(caller: Caller, url: str) -> None:
    """Until the first question is answered."""
    await join(caller, url)
    await ask_first(caller)


async def test_a_server_that_is_killed_and_started_again_finds_the_call_going_on(
    server: RestartableServer, caller: Caller, tmp_path: Path
) -> None:
    with running_worker(environment(server, tmp_path)):
        await begin_call(caller, server.url)
        server.kill()
        await asyncio.sleep(1.0)
        await asyncio.to_thread(server.start)
        up_s = time.monotonic()
        await caller.wait_for(lambda: caller.room.remote_participants, "agent")
        assert time.monotonic() - up_s < 10
        await ask(caller)
        assert "Reply 2" in caller.said("agent")
        assert BACK not in caller.said("agent")  # the agent itself never went away


async def test_a_job_that_dies_with_the_server_comes_back_with_it(
    server: RestartableServer, caller: Caller, tmp_path: Path
) -> None:
    with running_worker(environment(server, tmp_path)) as worker:
        await begin_call(caller, server.url)
        server.kill()
        kill_the_job(worker)
        await asyncio.sleep(1.0)
        await asyncio.to_thread(server.start)
        await caller.wait_for(lambda: BACK in caller.said("agent"), "return")
        await caller.wait_for_quiet()
        await ask(caller)
        assert "Reply 2" in caller.said("agent")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("cut_s", [1.0, 40.0])
async def test_a_worker_that_cannot_reach_the_server_for_a_while_keeps_the_conversation(
    server: RestartableServer, caller: Caller, tmp_path: Path, cut_s: float
) -> None:
    """Its signals are cut, not the media; after 20 to 30 s livekit's client gives the room up."""
    with cuttable(urlsplit(server.url).port or 0) as way:
        through = f"ws://127.0.0.1:{way.port}"
        with running_worker(environment(server, tmp_path, LIVEKIT_URL=through)):
            await begin_call(caller, server.url)
            way.cut()
            await asyncio.sleep(cut_s)
            way.mend()
            mended_s = time.monotonic()
            if cut_s > 20:
                await caller.wait_for(lambda: BACK in caller.said("agent"), "return", 40)
            await caller.wait_for_quiet()
            await ask(caller)
            assert time.monotonic() - mended_s < 60
            assert "Reply 2" in caller.said("agent")
            assert len(caller.room.remote_participants) == 1


async def test_a_caller_whose_signals_are_cut_for_seconds_goes_on_with_the_call(
    server: RestartableServer, caller: Caller, tmp_path: Path
) -> None:
    """livekit's client gives up its media as well, and joins anew."""
    with (
        cuttable(urlsplit(server.url).port or 0) as way,
        running_worker(environment(server, tmp_path)),
    ):
        await begin_call(caller, f"ws://127.0.0.1:{way.port}")
        way.cut()
        await asyncio.sleep(3.0)
        way.mend()
        await caller.wait_for(
            lambda: caller.room.connection_state == rtc.ConnectionState.CONN_CONNECTED, "connection"
        )
        await caller.wait_for(lambda: caller.room.remote_participants, "agent")
        await ask(caller)
        assert "Reply 2" in caller.said("agent")
        assert BACK not in caller.said("agent")


async def test_a_call_outlives_seconds_in_which_nothing_gets_through_either_way(
    server: RestartableServer, caller: Caller, tmp_path: Path
) -> None:
    with running_worker(environment(server, tmp_path)):
        await begin_call(caller, server.url)
        with server.frozen():
            await asyncio.sleep(5.0)
        await caller.wait_for(lambda: caller.room.remote_participants, "agent")
        await ask(caller)
        assert "Reply 2" in caller.said("agent")
        assert BACK not in caller.said("agent")


def worker_with_the_call(workers: list[Worker]) -> Worker:
    (worker,) = [worker for worker in workers if job_processes(worker)]
    return worker


@pytest.mark.parametrize("kill", [Worker.kill, kill_the_machine], ids=["alone", "with its calls"])
async def test_when_a_worker_is_killed_another_one_asks_to_begin_again(
    server: RestartableServer, caller: Caller, tmp_path: Path, kill: Callable[[Worker], float]
) -> None:
    with ExitStack() as stack:
        workers = [
            stack.enter_context(running_worker(environment(server, tmp_path / str(machine))))
            for machine in range(2)
        ]
        await begin_call(caller, server.url)
        killed_s = kill(worker_with_the_call(workers))
        back_s = await caller.wait_for_answer(killed_s + 0.2)
        await caller.wait_for(lambda: AFRESH in caller.said("agent"), "return")
        assert back_s - killed_s < RETURN_S
        await caller.wait_for_quiet()
        await ask(caller)
        assert caller.said("agent").count("Reply 1 starts") == 2


async def test_a_worker_that_is_killed_in_a_calls_first_seconds_is_followed_as_soon(
    server: RestartableServer, caller: Caller, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        workers = [
            stack.enter_context(running_worker(environment(server, tmp_path / str(machine))))
            for machine in range(2)
        ]
        await join(caller, server.url)
        await caller.wait_for(lambda: caller.room.remote_participants, "agent")
        await asyncio.sleep(1.0)
        killed_s = kill_the_machine(worker_with_the_call(workers))
        back_s = await caller.wait_for_answer(killed_s + 0.2)
        assert back_s - killed_s < RETURN_S
        await caller.wait_for(lambda: AFRESH in caller.said("agent"), "return")
        await caller.wait_for_quiet()
        await ask(caller)
        assert "Reply 1" in caller.said("agent")


async def test_with_a_redis_the_other_worker_knows_what_was_said(
    server: RestartableServer, caller: Caller, tmp_path: Path
) -> None:
    with redis_server() as url, ExitStack() as stack:
        workers = [
            stack.enter_context(
                running_worker(environment(server, tmp_path / str(machine), AGENT_REDIS=url))
            )
            for machine in range(2)
        ]
        await begin_call(caller, server.url)
        worker_with_the_call(workers).kill()
        await caller.wait_for(lambda: BACK in caller.said("agent"), "return")
        await caller.wait_for_quiet()
        await ask(caller)
        assert "Reply 2" in caller.said("agent")
        assert not any((tmp_path / str(machine) / "run").exists() for machine in range(2))


async def test_a_redis_that_is_away_keeps_nobody_from_calling(
    server: RestartableServer, caller: Caller, tmp_path: Path
) -> None:
    away = environment(server, tmp_path, AGENT_REDIS="redis://:secret@127.0.0.1:1")
    with running_worker(away) as worker:
        await begin_call(caller, server.url)
        log = worker.log.read_text()
    assert log.count("the conversation is not kept") == 1
    assert "secret" not in log
