"""What a worker does around its calls: before the first, and after a signal. Their server is the test's own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import AgentServer
from livekit.agents.job import RunningJobInfo
from livekit.plugins.speechcore import EngineError

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


def test_a_worker_takes_calls_when_its_local_engines_are_ready_and_ends_before_them() -> None:
    server = Server(lambda: True)

    @contextlib.asynccontextmanager
    async def engines() -> AsyncIterator[None]:
        server.did.append("engines are ready")
        yield
        server.did.append("engines end")

    assert run_worker(server, local=engines()) == 0
    assert server.did == ["engines are ready", "run in dev", "close", "engines end"]


def test_engines_that_cannot_start_are_one_sentence_and_the_worker_takes_no_calls(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server(lambda: True)

    @contextlib.asynccontextmanager
    async def engines() -> AsyncIterator[None]:
        raise EngineError("the model is broken: run `parley download`")
        yield

    assert run_worker(server, local=engines()) == 1
    assert not server.did
    assert "the model is broken: run `parley download`" in caplog.text
