"""Calls with the local engines on generated models: the real libraries, the real processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import psutil
import pytest

from tests.fakes.eventually import eventually
from tests.models.local_settings import HEARD, local_settings
from tests.room.conftest import Join
from tests.stack.processes import LiveKit, Worker, running_worker
from tests.stack.speech import speech

pytestmark = [pytest.mark.room, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def local(livekit: LiveKit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    environment = local_settings(tmp_path_factory.mktemp("local")) | {"AGENT_NAME": "local"}
    with running_worker(livekit.environment | environment) as worker:
        yield worker


def model_server(worker: Worker) -> psutil.Process:
    return next(
        process
        for process in worker.processes()
        if "livekit.plugins.modelserver" in " ".join(process.cmdline())
    )


def has_new_server(worker: Worker, old: psutil.Process) -> bool:
    try:
        return model_server(worker) != old
    except (StopIteration, psutil.NoSuchProcess):
        return False


async def test_a_caller_is_greeted_heard_and_answered(local: Worker, join: Join) -> None:
    caller = await join("local")
    await caller.wait_for_answer(caller.joined_s)
    await caller.wait_for_quiet()
    end_s = await caller.say(speech("What time is it now?"))
    await caller.wait_for_answer(end_s, timeout_s=30)
    assert HEARD.split()[-1] in caller.said("caller").lower()


async def test_eight_callers_at_once_are_all_answered(local: Worker, join: Join) -> None:
    callers = await asyncio.gather(*(join("local") for _ in range(8)))
    for caller in callers:
        await caller.wait_for_answer(caller.joined_s, timeout_s=60)
    await asyncio.gather(*(caller.wait_for_quiet(timeout_s=60) for caller in callers))
    ends_s = await asyncio.gather(*(c.say(speech("What time is it now?")) for c in callers))
    for caller, end_s in zip(callers, ends_s, strict=True):
        await caller.wait_for_answer(end_s, timeout_s=60)


async def test_a_model_server_killed_in_mid_call_comes_back_and_the_call_goes_on(
    local: Worker, join: Join
) -> None:
    caller = await join("local")
    await caller.wait_for_answer(caller.joined_s)
    killed = model_server(local)
    killed.kill()

    await eventually(lambda: has_new_server(local, killed), deadline_s=40)
    await asyncio.sleep(1.0)
    end_s = await caller.say(speech("What time is it now?"))
    await caller.wait_for_answer(end_s, timeout_s=40)
