"""What a worker does after its first signal; the server of its calls is the test's own."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from livekit.agents import AgentServer
from livekit.agents.job import RunningJobInfo

from agent.worker import Drain, run_worker


class Server(AgentServer):
    """Is told to end as soon as it runs; its calls end when `is_over()` says so."""

    def __init__(self, is_over: Callable[[], bool]) -> None:
        super().__init__()
        self._is_over = is_over
        self._ended = asyncio.Event()
        self.did: list[str] = []

    @property
    def active_jobs(self) -> list[RunningJobInfo]:
        return []

    async def run(self, *, devmode: bool = False, unregistered: bool = False) -> None:
        self.did.append("run in dev" if devmode else "run")
        self.emit("worker_started")
        os.kill(os.getpid(), signal.SIGTERM)
        await self._ended.wait()

    async def drain(self, timeout: Any = None) -> None:
        assert timeout is None
        self.did.append("drain")
        while not self._is_over():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self.did.append("drained")

    async def aclose(self) -> None:
        self.did.append("close")
        self._ended.set()


def test_calls_that_end_by_themselves_hear_no_goodbye(tmp_path: Path) -> None:
    end_s = time.monotonic() + 0.2
    server = Server(lambda: time.monotonic() > end_s)
    word = tmp_path / "farewell"
    assert run_worker(server, drain=Drain(60.0, word)) == 0
    assert server.did == ["run", "drain", "drained", "close"]
    assert not word.exists()


def test_at_the_limit_the_calls_are_given_the_word_and_waited_for(tmp_path: Path) -> None:
    word = tmp_path / "farewell"
    server = Server(word.exists)
    assert run_worker(server, drain=Drain(0.1, word)) == 0
    assert server.did == ["run", "drain", "drained", "close"]


def test_calls_that_do_not_even_say_goodbye_are_left(tmp_path: Path) -> None:
    server = Server(lambda: False)
    assert run_worker(server, drain=Drain(0.1, tmp_path / "farewell", goodbye_s=0.1)) == 0
    assert server.did == ["run", "drain", "close"]


def test_in_dev_nobody_is_waited_for() -> None:
    server = Server(lambda: False)
    assert run_worker(server) == 0
    assert server.did == ["run in dev", "close"]
