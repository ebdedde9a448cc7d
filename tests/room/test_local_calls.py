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
    await caller.wait_for(
        lambda: HEARD.split()[-1] in caller.said("caller").lower(), "the caller's words"
    )


async def test_callers_at_once_are_answered_or_told_that_all_lines_are_busy(
    local: Worker, join: Join
) -> None:
    """How many there is room for, the model server measures while it works."""

    async def call() -> str:
        caller = await join("local")
        await caller.wait_for_answer(caller.joined_s, timeout_s=60)
        end_s = await caller.say(speech("What time is it now?"))
        await caller.wait_for(
            lambda: caller.sound_after(end_s) or caller.notices, "answer or notice", timeout_s=60
        )
        return caller.notices[0]["code"] if caller.notices else "answered"

    outcomes = await asyncio.gather(*(call() for _ in range(3)))
    assert set(outcomes) <= {"answered", "busy"}, outcomes
    assert "answered" in outcomes


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
