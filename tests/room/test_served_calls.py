"""Calls of a worker whose speech engines run elsewhere: on `parley serve`, over TCP with a token."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest

from agent.ports import free_port
from tests.models.local_settings import HEARD, local_settings
from tests.room.conftest import Join
from tests.stack.processes import LiveKit, Worker, running_worker, stop, wait_until
from tests.stack.speech import speech

pytestmark = [pytest.mark.room, pytest.mark.timeout(120)]

TOKEN = "open sesame"


@dataclass
class Server:
    """`parley serve` on one port, which can be ended and started again."""

    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Waits until it is ready."""
        health_port = free_port()
        arguments = ["-m", "agent", "serve", "--health-port", str(health_port)]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, *arguments], env=self.environment, stdout=output, stderr=output
            )
        wait_until(lambda: _is_ready(health_port), self.log, 60, self.process)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def _is_ready(health_port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{health_port}/readyz", timeout=2):
            return True
    except (URLError, ConnectionError, TimeoutError):
        return False


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What server and workers have in common."""
    return local_settings(tmp_path_factory.mktemp("served")) | {
        "AGENT_MODELSERVER": f"tcp://127.0.0.1:{free_port()}",
        "AGENT_MODELSERVER_TOKEN": TOKEN,
    }


@pytest.fixture(scope="module")
def server(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    others = {k: v for k, v in os.environ.items() if not k.startswith(("AGENT_", "LIVEKIT_"))}
    here = {"AGENT_HOST": "0.0.0.0"}  # as in a container
    server = Server(others | settings | here, tmp_path_factory.mktemp("log") / "serve.log")
    server.start()
    yield server
    assert server.process is not None
    assert stop(server.process) == 0, "SIGTERM drains it"


@pytest.fixture(scope="module")
def served(livekit: LiveKit, settings: dict[str, str], server: Server) -> Iterator[Worker]:
    with running_worker(livekit.environment | settings | {"AGENT_NAME": "served"}) as worker:
        yield worker


def test_its_health_is_told_on_the_interface_that_agent_host_names(server: Server) -> None:
    assert server.process is not None
    connections = psutil.Process(server.process.pid).net_connections("tcp")
    listening = {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
    assert listening == {"0.0.0.0", "127.0.0.1"}  # health; the model server's own address


async def test_a_caller_is_greeted_heard_and_answered(served: Worker, join: Join) -> None:
    caller = await join("served")
    await caller.wait_for_answer(caller.joined_s)
    await caller.wait_for_quiet()
    end_s = await caller.say(speech("What time is it now?"))
    await caller.wait_for_answer(end_s, timeout_s=30)
    await caller.wait_for(
        lambda: HEARD.split()[-1] in caller.said("caller").lower(), "the caller's words"
    )
    commands = [" ".join(process.cmdline()) for process in served.processes()]
    assert not any("modelserver" in command for command in commands), "it has one of its own"


async def test_a_server_that_goes_away_and_comes_back_is_found_again(
    served: Worker, server: Server, join: Join
) -> None:
    caller = await join("served")
    await caller.wait_for_answer(caller.joined_s)
    await caller.wait_for_quiet()
    server.kill()
    await asyncio.sleep(1.0)
    await asyncio.to_thread(server.start)
    end_s = await caller.say(speech("What time is it now?"))
    await caller.wait_for_answer(end_s, timeout_s=40)
    assert "the model server at tcp://127.0.0.1" in served.log.read_text()


def test_a_worker_with_another_token_says_so_and_does_not_start(
    livekit: LiveKit, server: Server
) -> None:
    wrong = {"AGENT_MODELSERVER_TOKEN": "another", "AGENT_HEALTH_PORT": "0"}
    worker = subprocess.run(
        [sys.executable, "-m", "agent", "dev", "--no-reload"],
        env=server.environment | livekit.environment | wrong,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert worker.returncode == 2
    said = " ".join(worker.stderr.split())
    assert said.endswith("the token is not the server's: set AGENT_MODELSERVER_TOKEN alike")
    assert said.startswith(f"AGENT_MODELSERVER={server.environment['AGENT_MODELSERVER']}: ")
