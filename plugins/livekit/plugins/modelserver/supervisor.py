"""Keeps a model server of this process's own running: starts it, restarts it, and lets it end.

It cannot outlive this process, however that ends: its standard input is a pipe of which only this
process has the other end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from livekit.plugins.speechcore import EngineError

from .backoff import Backoff
from .config import EXIT_UNUSABLE, ServerConfig

logger = logging.getLogger(__package__)

_COMMAND = (sys.executable, "-m", "livekit.plugins.modelserver", "-")
_PROVEN_S = 10.0
"""A server that was ready for so long is restarted at once when it dies."""

_NOT_INHERITED = ("PROMETHEUS_MULTIPROC_DIR",)
"""Its metrics are its own; in the worker's folder they would be counted as the worker's."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    address: str
    health_port: int | None
    pid: int


class ModelServerProcess:
    """`await start()` gives a ready server; it is restarted whenever it dies, until `aclose()`.

    Lives on one event loop. What the server logs goes to this process's standard error.
    """

    def __init__(
        self,
        config: ServerConfig,
        *,
        command: Sequence[str] = _COMMAND,
        environment: Mapping[str, str] | None = None,
        stop_timeout_s: float | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        """`environment`: instead of this process's. `stop_timeout_s`: for its drain at the end."""
        self._config = config
        self._command = tuple(command)
        given = os.environ if environment is None else environment
        self._environment = {k: v for k, v in given.items() if k not in _NOT_INHERITED}
        limit_s = config.limits.drain_s + 5.0
        self._stop_timeout_s = limit_s if stop_timeout_s is None else stop_timeout_s
        self._backoff = backoff or Backoff(first_s=0.2, longest_s=10.0)
        self._process: asyncio.subprocess.Process | None = None
        self._running: Running | None = None
        self._keeping: asyncio.Task[None] | None = None
        self.restarts = 0

    @property
    def running(self) -> Running | None:
        """The server, while it answers."""
        return self._running

    async def start(self, *, timeout_s: float) -> Running:
        """Waits until it is ready. Raises EngineError when it cannot be started, with the reason."""
        self._config.check()
        try:
            async with asyncio.timeout(timeout_s):
                self._running = await self._start_once()
        except TimeoutError as e:
            await self._kill()
            raise EngineError(f"the model server was not ready within {timeout_s:g} s") from e
        except BaseException:
            await self._kill()
            raise
        self._keeping = asyncio.create_task(self._keep(), name="model-server-process")
        return self._running

    async def aclose(self) -> None:
        """Lets it drain and end, and kills it when that takes too long. Twice is fine."""
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()
            await asyncio.wait({keeping})
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._stop_timeout_s):
                    await process.wait()
        await self._kill()

    async def _keep(self) -> None:
        """Restarts it, each time that it dies."""
        while True:
            status = await self._ended()
            logger.error("the model server has died", extra={"status": status})
            if not await self._restart():
                return

    async def _restart(self) -> bool:
        """Tries until it is ready; gives up when it says that trying does not help."""
        while True:
            await asyncio.sleep(self._backoff.next_s(random.random()))  # nosec B311 # spreads starts
            self.restarts += 1
            begun_s = time.monotonic()
            try:
                self._running = await self._start_once()
            except EngineError as e:
                logger.error("the model server cannot be started", extra={"reason": str(e)})
                if self._process is not None and self._process.returncode == EXIT_UNUSABLE:
                    return False
            else:
                took_s = time.monotonic() - begun_s
                logger.info("the model server is back", extra={"took_s": round(took_s, 2)})
                return True

    async def _ended(self) -> int:
        assert self._process is not None
        ready_s = time.monotonic()
        status = await self._process.wait()
        self._running = None
        await self._kill()
        if time.monotonic() - ready_s > _PROVEN_S:
            self._backoff.reset()
        return status

    async def _start_once(self) -> Running:
        """Raises EngineError when it ends instead of getting ready, or cannot be run."""
        await self._kill()
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=self._environment,
                start_new_session=True,  # Ctrl-C is for this process, which ends things in order
            )
        except OSError as e:
            raise EngineError(f"the model server cannot be run: {e.strerror}") from e
        assert process.stdin is not None and process.stdout is not None
        with contextlib.suppress(ConnectionError):  # it has died; its end says so as well
            process.stdin.write(self._config.to_json().encode() + b"\n")
            await process.stdin.drain()
        line = await process.stdout.readline()
        if not line:
            status = await process.wait()
            raise EngineError(f"the model server did not start (status {status}): see its log")
        facts = json.loads(line)
        return Running(facts["address"], facts["health_port"], process.pid)

    async def _kill(self) -> None:
        """Surely ends the process, and what it may have started."""
        process, self._running = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
        if process.stdout is not None:
            await process.stdout.read()  # to its end, so that nothing of it is left open
