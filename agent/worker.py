"""Runs an AgentServer until a signal: the first one lets calls finish, the second one ends at once."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess  # nosec B404 # starts this program anew
import sys
from collections.abc import Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import watchfiles
from livekit.agents import AgentServer, utils
from livekit.plugins.speechcore import EngineError

from agent.farewell import FAREWELL_S

logger = logging.getLogger(__name__)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


Running = AbstractAsyncContextManager[None]


@dataclass(frozen=True)
class Drain:
    """How calls end after the first signal: by themselves, or by a goodbye."""

    limit_s: float
    """Until the goodbye."""
    farewell: Path
    """The file by which job processes know that it is time for it."""
    goodbye_s: float = FAREWELL_S
    """From then on, for all of them to have ended."""


def run_worker(
    server: AgentServer,
    *,
    drain: Drain | None = None,
    health: Running | None = None,
    local: Running | None = None,
    beside: Sequence[Running] = (),
) -> int:
    """Blocks until the worker has ended; returns the exit status.

    The first signal drains: no new calls, running ones finish; with `drain` None (in `dev`) it ends
    them at once. `health`: what answers probes, from the first moment to the last. `local`: what has to
    run before the worker takes calls, and until the last one has ended. `beside`: what runs while
    the worker does, and begins when it has started.
    """
    around = health or nullcontext(), local or nullcontext()
    return asyncio.run(_run(server, drain, *around, beside))


async def _run(
    server: AgentServer,
    drain: Drain | None,
    health: Running,
    local: Running,
    beside: Sequence[Running],
) -> int:
    stop = _StopSignals()
    try:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(health)
            if await _finishes(stack.enter_async_context(local), stop.first):
                await _serve(server, drain=drain, beside=beside, stop=stop.first)
    except (EngineError, OSError, RuntimeError, ValueError) as e:
        logger.error("the worker stopped: %s", _advice(e))
        return 1
    finally:
        stop.restore()
    return 0


async def _serve(
    server: AgentServer, *, drain: Drain | None, beside: Sequence[Running], stop: asyncio.Event
) -> None:
    started = asyncio.Event()
    server.on("worker_started", started.set)
    running = asyncio.create_task(server.run(devmode=drain is None), name="worker")
    starting = asyncio.create_task(started.wait(), name="worker-start")
    stopped = asyncio.create_task(stop.wait(), name="stop-signal")
    try:
        await asyncio.wait({running, starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        async with AsyncExitStack() as stack:
            for running_beside in beside if started.is_set() else ():
                await stack.enter_async_context(running_beside)
            await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done() and drain is not None:
                await _drain(server, drain)
        await server.aclose()
        await running
    finally:
        starting.cancel()
        stopped.cancel()


async def _finishes(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> bool:
    """Whether `work` is done before `stop` is set; it is cancelled otherwise."""
    working = asyncio.create_task(work, name="local-engines")
    stopped = asyncio.create_task(stop.wait(), name="stop-signal")
    try:
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
            return True
        await utils.aio.cancel_and_wait(working)
        return False
    finally:
        stopped.cancel()


async def _drain(server: AgentServer, drain: Drain) -> None:
    """Until the last call has ended, at its time or by a goodbye; one that cannot even that is left."""
    if server.active_jobs:
        logger.info("waiting for calls to end; another signal ends them now")
    draining = asyncio.create_task(server.drain(None), name="drain")
    try:
        await asyncio.wait({draining}, timeout=drain.limit_s)
        if not draining.done():
            logger.warning("the time to drain is over: calls end with a goodbye")
            drain.farewell.touch()
            await asyncio.wait({draining}, timeout=drain.goodbye_s)
        if draining.done():
            await draining
        else:
            logger.warning("calls were still running after the goodbye")
    finally:
        await utils.aio.cancel_and_wait(draining)


class _StopSignals:
    """Sets `first` on the first SIGINT or SIGTERM; the second one ends the process."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        for signum in _SIGNALS:
            self._loop.add_signal_handler(signum, self._received)

    def restore(self) -> None:
        for signum in _SIGNALS:
            self._loop.remove_signal_handler(signum)

    def _received(self) -> None:
        if self.first.is_set():
            os._exit(1)
        self.first.set()


def _advice(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None and "address" in str(error):
        return f"{error}; set AGENT_HEALTH_PORT or AGENT_METRICS_PORT to a free port, or 0"
    if isinstance(error, RuntimeError) and "connect" in str(error):
        return f"{error}; check LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET with `parley doctor`"
    return str(error)


def run_with_reload(command: list[str], watched: Path) -> int:
    """Runs `command` and starts it again whenever a Python, YAML or Markdown file changes."""
    child = _start(command)
    try:
        for changes in watchfiles.watch(watched, watch_filter=_is_source, raise_interrupt=False):
            logger.info("restarting the worker", extra={"changed": sorted(c[1] for c in changes)})
            _stop(child)
            child = _start(command)
    finally:
        _stop(child)
    return child.returncode or 0


def _is_source(_: watchfiles.Change, path: str) -> bool:
    return path.endswith((".py", ".yaml", ".md")) and "node_modules" not in path


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *command])  # nosec B603 # our own command


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
