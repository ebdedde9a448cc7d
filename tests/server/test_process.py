"""The model server as a process: its start, its end, its death."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import pytest_asyncio
from livekit.plugins.modelserver import (
    Backoff,
    EngineConfig,
    Limits,
    ModelServerClient,
    ModelServerProcess,
    Running,
    ServerConfig,
)
from livekit.plugins.speechcore import EngineBusy, EngineError

from tests.fakes.eventually import eventually
from tests.fakes.heartbeat import Heartbeat
from tests.server.trial import TENTH, heard, listener, spoken, synthesiser, words_of

ROOT = Path(__file__).parents[2]
START_S = 40.0
"""On a machine that does much else."""

pytestmark = pytest.mark.timeout(60)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}

Start = Callable[..., Awaitable[ModelServerProcess]]


def config(
    folder: Path, *, step_s: float = 0.0, load_error: str = "", **facts: Any
) -> ServerConfig:
    engines = (
        EngineConfig(
            name="ear",
            kind="stt",
            factory="tests.server.dummies:DummyEar",
            options={"load_error": load_error},
        ),
        EngineConfig(
            name="voice",
            kind="tts",
            factory="tests.server.dummies:DummyVoice",
            options={"step_s": step_s},
        ),
    )
    given = {"address": f"unix:{folder / 'models.sock'}", "engines": engines, "health_port": None}
    return ServerConfig(**given | facts)


def supervised(settings: ServerConfig) -> ModelServerProcess:
    return ModelServerProcess(
        settings, environment=ENVIRONMENT, backoff=Backoff(first_s=0.05, longest_s=0.5)
    )


@pytest_asyncio.fixture
async def start(folder: Path) -> AsyncIterator[Start]:
    """Starts a server in a process of its own, which ends with the test."""
    started: list[ModelServerProcess] = []

    async def start_process(**facts: Any) -> ModelServerProcess:
        server = supervised(config(folder, **facts))
        started.append(server)
        await server.start(timeout_s=START_S)
        return server

    yield start_process
    for server in started:
        await server.aclose()
        await server.aclose()  # closing twice is fine


@pytest_asyncio.fixture
async def client(folder: Path) -> AsyncIterator[ModelServerClient]:
    client = ModelServerClient(f"unix:{folder / 'models.sock'}")
    yield client
    client.close()


def running(server: ModelServerProcess) -> Running:
    assert server.running is not None
    return server.running


async def test_a_killed_server_is_noticed_at_once_and_comes_back(
    start: Start, client: ModelServerClient
) -> None:
    server = await start(step_s=0.02)
    first = running(server)
    ear = listener(client)
    await ear.accept(TENTH)
    speech = synthesiser(client).speak("one two three " * 50, timeout_s=10.0)
    await anext(speech)
    async with Heartbeat() as heartbeat:
        killed_s = time.monotonic()
        os.kill(first.pid, signal.SIGKILL)
        with pytest.raises(EngineError, match="has gone away"):
            async for _ in speech:
                pass
        with pytest.raises(EngineError, match="has gone away"):
            await ear.finish()
        assert time.monotonic() - killed_s < 0.5
        with pytest.raises(EngineError, match="model server"):
            await spoken(synthesiser(client), "are you there")
        assert time.monotonic() - killed_s < 0.6, "a dead server costs no time"
        await eventually(lambda: server.running not in (None, first))
    assert heartbeat.longest_block_s < 0.05
    assert server.restarts >= 1
    await asyncio.sleep(0.1)  # the client's back-off
    assert words_of(await spoken(synthesiser(client), "welcome back")) == ["welcome", "back"]
    assert await heard(listener(client), 1) == "w0"


async def test_a_server_that_hangs_is_noticed_within_a_second(
    start: Start, client: ModelServerClient
) -> None:
    pid = running(await start()).pid
    ear = listener(client, timeout_s=20.0)
    await ear.accept(TENTH)
    os.kill(pid, signal.SIGSTOP)
    try:
        stopped_s = time.monotonic()
        with pytest.raises(EngineError, match="has not answered"):
            await ear.finish()
        assert time.monotonic() - stopped_s < 1.2  # a second, and a busy machine's share
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_an_engine_that_takes_the_server_down_is_an_error_of_one_sentence(
    start: Start, client: ModelServerClient
) -> None:
    server = await start()
    pid = running(server).pid
    with pytest.raises(EngineError, match="has gone away"):
        await spoken(synthesiser(client), "now die")
    await eventually(lambda: server.running is not None and server.running.pid != pid)


async def test_a_drained_server_lets_calls_end_and_takes_no_new_ones(
    start: Start, client: ModelServerClient, folder: Path
) -> None:
    server = await start(step_s=0.02)
    process = psutil.Process(running(server).pid)
    idle = ModelServerClient(f"unix:{folder / 'models.sock'}")
    assert await spoken(synthesiser(idle), "hello")
    text = "word " * 25
    speaking = asyncio.create_task(spoken(synthesiser(client), text))
    ear = listener(client)
    assert await heard(ear, 1) == "w0"
    process.terminate()
    await asyncio.sleep(0.1)
    assert words_of(await spoken(synthesiser(client), "more of the call")), "the call goes on"
    with pytest.raises(EngineBusy, match="about to stop"):
        await spoken(synthesiser(idle), "another call")
    new = ModelServerClient(f"unix:{folder / 'models.sock'}")
    with pytest.raises(EngineError, match="can be reached"):
        await spoken(synthesiser(new), "a new caller")
    assert words_of(await speaking) == text.split()
    assert await heard(ear, 2) == "w0 w1"
    assert process.is_running()
    ear.close()
    await eventually(lambda: not client.is_connected, deadline_s=5.0)
    idle.close()
    new.close()


async def test_a_second_signal_ends_a_drain_at_once(
    start: Start, client: ModelServerClient
) -> None:
    server = await start()
    assert await heard(listener(client), 1) == "w0"
    pid = running(server).pid
    os.kill(pid, signal.SIGTERM)
    await asyncio.sleep(0.1)
    assert client.is_connected
    os.kill(pid, signal.SIGTERM)
    await eventually(lambda: not client.is_connected, deadline_s=5.0)


async def test_a_server_with_an_engine_that_hangs_for_good_is_replaced(
    start: Start, client: ModelServerClient
) -> None:
    server = await start(limits=Limits(stuck_s=0.1))
    pid = running(server).pid
    with pytest.raises(EngineError):
        await spoken(synthesiser(client), "hang", timeout_s=0.1)
    await eventually(lambda: server.running is not None and server.running.pid != pid)
    assert words_of(await spoken(synthesiser(client), "hello")) == ["hello"]


async def test_a_drain_has_a_deadline(start: Start, client: ModelServerClient) -> None:
    server = await start(limits=Limits(drain_s=0.3))
    ear = listener(client)
    assert await heard(ear, 1) == "w0"
    begun_s = time.monotonic()
    os.kill(running(server).pid, signal.SIGTERM)
    await eventually(lambda: not client.is_connected)
    assert 0.25 < time.monotonic() - begun_s < 2.0
    with pytest.raises(EngineError, match="has been stopped"):
        await ear.accept(TENTH)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"load_error": "the model file is broken: parley download"}, "ear: the model file is"),
        ({"address": "tcp://127.0.0.1:0"}, "needs a token"),
        ({"health_port": 1 << 20}, "no port 1048576"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence_on_standard_error(
    folder: Path, facts: dict[str, Any], says: str
) -> None:
    settings = folder / "settings.json"
    settings.write_text(config(folder, **facts).to_json())
    ended = subprocess.run(
        [sys.executable, "-m", "livekit.plugins.modelserver", str(settings)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=START_S,
        check=False,
    )
    assert ended.returncode == 78
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_a_server_that_cannot_start_is_not_tried_again(folder: Path) -> None:
    server = supervised(config(folder, load_error="the model file is broken"))
    with pytest.raises(EngineError, match=r"did not start \(status 78\)"):
        await server.start(timeout_s=START_S)
    await server.aclose()
    assert server.restarts == 0


async def test_two_servers_do_not_share_a_socket_and_a_dead_ones_is_taken_over(
    start: Start, folder: Path
) -> None:
    first = await start()
    second = supervised(config(folder))
    with pytest.raises(EngineError, match="did not start"):
        await second.start(timeout_s=START_S)
    os.kill(running(first).pid, signal.SIGKILL)
    assert await eventually(lambda: first.restarts and first.running)
    assert os.stat(folder).st_mode & 0o777 == 0o700


async def test_health_readiness_and_metrics_are_told(
    start: Start, client: ModelServerClient
) -> None:
    server = await start(health_port=0)
    url = f"http://127.0.0.1:{running(server).health_port}"
    assert await heard(listener(client), 3) == "w0 w1 w2"
    await spoken(synthesiser(client), "one two")
    with pytest.raises(EngineError):
        await spoken(synthesiser(client), "fail")
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{url}/healthz") as answer:
            assert (answer.status, await answer.json()) == (200, {"healthy": True})
        async with http.get(f"{url}/readyz") as answer:
            ready = await answer.json()
            assert answer.status == 200 and set(ready["engines"]) == {"ear", "voice"}
        async with http.get(f"{url}/metrics") as answer:
            metrics = await answer.text()
    for line in (
        'parley_modelserver_run_seconds_count{engine="ear",kind="final"} 1.0',
        'parley_modelserver_run_seconds_count{engine="voice",kind="first"}',
        'parley_modelserver_wait_seconds_count{engine="ear",kind="final"} 1.0',
        'parley_modelserver_faults_total{engine="voice",kind="engine"} 1.0',
        'parley_modelserver_sessions{engine="ear"} 1.0',
        'parley_modelserver_queue{kind="partial",lane="ear"} 0.0',
        'parley_modelserver_batch_size_count{engine="ear"}',
        'parley_modelserver_rtf{engine="voice"}',
        "parley_modelserver_connections 1.0",
    ):
        assert line in metrics, line


PARENT = """
import asyncio, sys
from pathlib import Path
from livekit.plugins.modelserver import ModelServerProcess, config_from_json

async def main():
    server = ModelServerProcess(config_from_json(Path(sys.argv[1]).read_text()))
    print((await server.start(timeout_s=15)).pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_server_does_not_outlive_its_worker(
    folder: Path, client: ModelServerClient
) -> None:
    settings = folder / "settings.json"
    settings.write_text(config(folder).to_json())
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PARENT,
        str(settings),
        env=ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    server = psutil.Process(int(await parent.stdout.readline()))
    assert await spoken(synthesiser(client), "hello")
    parent.kill()
    await parent.wait()
    await eventually(lambda: not _is_alive(server), deadline_s=5.0)


def _is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
