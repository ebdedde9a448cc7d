"""The program: loads the engines, serves, and ends in good order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from livekit.plugins.speechcore import EngineError

from .config import (
    EXIT_OK,
    EXIT_STUCK,
    EXIT_UNUSABLE,
    ConfigError,
    EngineConfig,
    ServerConfig,
)
from .health import Health
from .served import Engine, Factory, build_engine, find_factory
from .server import ModelServer
from .warm_up import measured_cost

logger = logging.getLogger(__package__)

_WATCH_S = 1.0
_SWITCH_S = 0.0005
"""How long an engine's Python code may keep the event loop from running. Measured beside a voice that
works in Python alone: an interim's way to the caller is 1.0 ms at p95, with Python's 5 ms it is 5.7."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

OnReady = Callable[[dict[str, object]], None]


def serve(
    config: ServerConfig,
    *,
    factories: Mapping[str, Factory] | None = None,
    on_ready: OnReady | None = None,
) -> int:
    """Runs a model server until SIGTERM or Ctrl-C; returns the exit status for the process.

    Blocks; for the main thread. The first signal lets calls end (`Limits.drain_s`), a second ends it
    at once. What cannot be used is printed, one sentence a line. `on_ready` is told the address and
    the health port. Whoever calls this should end the process with `end_process(status)`: a native
    step that hangs would keep it for ever.
    """
    sys.setswitchinterval(_SWITCH_S)
    try:
        config.check()
        given = factories or {}
        found = {
            path: given.get(path) or find_factory(path)
            for path in {engine.factory for engine in config.engines}
        }
        return asyncio.run(_Program(config, found, on_ready).run())
    except (ConfigError, EngineError, OSError) as e:
        sys.stderr.write(f"{e}\n")
        return EXIT_UNUSABLE


def end_process(status: int) -> None:
    """Ends it without waiting for threads of engines."""
    sys.stdout.flush()
    sys.stderr.flush()
    logging.shutdown()
    os._exit(status)


def end_with_parent() -> None:
    """Has this process drain and end when standard input ends, and so when its parent does."""

    def watch() -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


class _Program:
    def __init__(
        self, config: ServerConfig, factories: Mapping[str, Factory], on_ready: OnReady | None
    ) -> None:
        self._config = config
        self._factories = factories
        self._on_ready = on_ready
        self._server: ModelServer | None = None
        self._costs: dict[str, float] = {}
        self._signals = 0
        self._signalled = asyncio.Event()

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._on_signal)
        health = Health(lambda: self._server)
        try:
            health_port = await self._start_health(health)
            engines = await self._load()
            if engines is None:
                return EXIT_OK
            self._server = ModelServer(self._config, engines, self._costs)
            address = await self._server.start()
            gc.freeze()  # the models are here to stay: no collection need look at them
            self._announce({"address": str(address), "health_port": health_port})
            return await self._serve_until_told(self._server)
        finally:
            if self._server is not None:
                await self._server.stop()
            await health.stop()

    async def _start_health(self, health: Health) -> int | None:
        if self._config.health_port is None:
            return None
        return await health.start(self._config.health_host, self._config.health_port)

    async def _load(self) -> dict[str, Engine] | None:
        """The engines by name; None when told to stop meanwhile. Raises EngineError."""
        pool = ThreadPoolExecutor(1, thread_name_prefix="loading")
        loop = asyncio.get_running_loop()
        told = asyncio.ensure_future(self._signalled.wait())
        loading = loop.run_in_executor(pool, self._build_all)
        try:
            waits: set[asyncio.Future[Any]] = {told, loading}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return loading.result() if loading.done() else None
        finally:
            told.cancel()
            pool.shutdown(wait=False)

    def _build_all(self) -> dict[str, Engine]:
        engines: dict[str, Engine] = {}
        problems = []
        for config in self._config.engines:
            try:
                engine = build_engine(config, self._factories[config.factory])
            except EngineError as e:
                problems.append(str(e))
                continue
            engines[config.name] = engine
            self._warm_up(config, engine)
        if problems:
            raise EngineError("\n".join(problems))
        return engines

    def _warm_up(self, config: EngineConfig, engine: Engine) -> None:
        try:
            cost = measured_cost(config, engine)
        except Exception as e:  # calls will be told; others of this engine's voices may work
            reason = {"engine": config.name, "error": type(e).__name__}
            logger.warning("an engine could not be warmed up", extra=reason)
            return
        logger.info("warm", extra={"engine": config.name, "rtf": cost and round(cost, 3)})
        if cost is not None:
            self._costs[config.name] = cost

    async def _serve_until_told(self, server: ModelServer) -> int:
        while not self._signals:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_WATCH_S):
                    await self._signalled.wait()
            if server.stuck_s > self._config.limits.stuck_s:
                logger.error("an engine hangs, the process ends", extra={"hung_s": server.stuck_s})
                return EXIT_STUCK
        self._signalled.clear()
        logger.info("draining", extra={"sessions": server.session_count})
        draining = asyncio.ensure_future(server.drain(self._config.limits.drain_s))
        hurry = asyncio.ensure_future(self._signalled.wait())
        await asyncio.wait({draining, hurry}, return_when=asyncio.FIRST_COMPLETED)
        for task in (draining, hurry):
            task.cancel()
        await asyncio.gather(draining, hurry, return_exceptions=True)
        return EXIT_OK

    def _on_signal(self) -> None:
        self._signals += 1
        self._signalled.set()

    def _announce(self, facts: dict[str, object]) -> None:
        logger.info("ready", extra=facts)
        if self._on_ready is not None:
            self._on_ready(facts)


def print_ready(facts: dict[str, object]) -> None:
    """Tells the parent, in a line of JSON on standard output."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()
