"""The model server: one process that loads each model once and serves many calls with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from livekit.plugins.speechcore import EngineBusy, EngineError

from .address import Address, TcpAddress, UnixAddress, make_private_folder, parse_address
from .config import Limits, ServerConfig
from .connection import Connection
from .lane import Outcome
from .messages import Fault, FaultKind
from .metrics import ServerMetrics
from .scheduler import JobKind
from .served import Engine, ServedEngine, serve_engines
from .session import Session

logger = logging.getLogger(__package__)

_BACKLOG = 512
_LANE_END_S = 2.0
_SETTLED_S = 0.01
"""The longest that an engine waits for a busy event loop between two steps."""


class ModelServer:
    """Serves engines that are loaded already. Lives on one event loop.

    `start()`, then `drain()` (optional), then `stop()`, which closes the engines as well.
    """

    def __init__(
        self,
        config: ServerConfig,
        engines: Mapping[str, Engine],
        costs: Mapping[str, float] | None = None,
    ) -> None:
        """`engines`: by the names in `config`, as are `costs`: seconds of work for a second of sound,
        where they have been measured.
        """
        self.limits: Limits = config.limits
        self.token = config.token
        self.metrics = ServerMetrics()
        self._config = config
        self._connections: set[Connection] = set()
        self._is_draining = False
        self._news = asyncio.Event()
        """A connection or a session has ended."""
        self._server: asyncio.Server | None = None
        self._loop = asyncio.get_running_loop()
        self._socket: tuple[Path, int] | None = None
        served = serve_engines(
            config.engines, engines, costs or {}, self.metrics, self._on_outcomes
        )
        self._engines = {engine.name: engine for engine in served}
        self._lanes = {engine.lane for engine in served}

    async def start(self) -> Address:
        """Listens; returns where, with the port that was free for port 0. Raises OSError."""
        address = parse_address(self._config.address)
        if isinstance(address, UnixAddress):
            self._server = await self._listen_on_unix(address.path)
            return address
        self._server = await self._loop.create_server(
            lambda: Connection(self), address.host, address.port, backlog=_BACKLOG
        )
        return TcpAddress(address.host, self._server.sockets[0].getsockname()[1])

    async def drain(self, timeout_s: float) -> bool:
        """Takes nobody new and waits for the callers that are served; whether all have ended.

        A caller that has a session open keeps all it needs until its last one ends.
        """
        self._is_draining = True
        self._stop_listening()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.session_count:
                    self._news.clear()
                    await self._news.wait()
        return not self.session_count

    async def stop(self) -> bool:
        """Ends what is left, frees the engines; whether every step has ended. Twice is fine."""
        self._is_draining = True
        self._stop_listening()
        for connection in tuple(self._connections):
            connection.close(Fault(FaultKind.ENGINE, "the model server has been stopped"))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                while self._connections:
                    self._news.clear()
                    await self._news.wait()
        ended = [lane.close(timeout_s=_LANE_END_S) for lane in self._lanes]
        if all(ended):
            for engine in self._engines.values():
                engine.engine.close()
        return all(ended)

    @property
    def is_ready(self) -> bool:
        """It takes new callers, and no engine hangs."""
        is_listening = self._server is not None and not self._is_draining
        return is_listening and not any(lane.is_stuck for lane in self._lanes)

    @property
    def stuck_s(self) -> float:
        """For how long the engine hangs that has hung longest."""
        return max((lane.stuck_s() for lane in self._lanes), default=0.0)

    @property
    def session_count(self) -> int:
        return sum(connection.session_count for connection in self._connections)

    def refusal(self, connection: Connection) -> str:
        if self._is_draining and not connection.session_count:
            return "the model server is about to stop"
        if len(self._connections) > self.limits.connections and not connection.is_greeted:
            return f"the model server serves {self.limits.connections} callers already"
        return ""

    def find(self, name: str, kind: str, sample_rate_hz: int) -> ServedEngine:
        engine = self._engines.get(name)
        if engine is None or engine.config.kind != kind:
            here = ", ".join(self._engines)
            raise EngineError(f"the model server has no {kind} engine {name!r}; it has {here}")
        rate_hz = engine.engine.sample_rate_hz
        if rate_hz != sample_rate_hz:
            raise EngineError(f"{name} works at {rate_hz} Hz, not at {sample_rate_hz} Hz")
        if self.session_count >= self.limits.sessions:
            raise EngineBusy(f"the model server has {self.limits.sessions} sessions already")
        return engine

    def describe(self) -> dict[str, Any]:
        """What READY and STATUS tell."""
        engines = {name: engine.describe() for name, engine in self._engines.items()}
        return {
            "ready": self.is_ready,
            "sessions": self.session_count,
            "free": min((engine["free"] for engine in engines.values()), default=0),
            "engines": engines,
        }

    def joined(self, connection: Connection) -> None:
        self._connections.add(connection)

    def left(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._news.set()

    def session_ended(self) -> None:
        self._news.set()

    def measure(self) -> None:
        """Brings the gauges up to date; called before they are read."""
        self.metrics.connections.set(len(self._connections))
        for name, engine in self._engines.items():
            self.metrics.sessions.labels(name).set(engine.session_count)
            self.metrics.capacity.labels(name).set(engine.capacity)
            self.metrics.rtf.labels(name).set(engine.real_time_factor)
        for lane in self._lanes:
            self.metrics.stuck.labels(lane.name).set(lane.is_stuck)
            depths = lane.depths()
            for kind in JobKind:
                self.metrics.queue.labels(lane.name, kind).set(depths[kind])

    def _on_outcomes(self, outcomes: list[Outcome]) -> None:
        """Called on an engine's thread, which waits a moment: the step that follows (the next of the
        same text, mostly needed before any other) must be in the queue when it chooses again."""
        taken = threading.Event()
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(_deliver, outcomes, taken)
            taken.wait(_SETTLED_S)

    async def _listen_on_unix(self, path: Path) -> asyncio.Server:
        make_private_folder(path.parent)
        if _answers(path):
            raise OSError(f"another model server listens on {path}")
        server = await self._loop.create_unix_server(
            lambda: Connection(self), str(path), backlog=_BACKLOG
        )
        os.chmod(path, 0o600)  # the folder is closed to others already; nobody need rely on it
        self._socket = path, os.stat(path).st_ino
        return server

    def _stop_listening(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        if self._socket is None:
            return
        path, inode = self._socket
        with contextlib.suppress(OSError):
            if os.stat(path).st_ino == inode:  # else another server has come in our place
                path.unlink()


def _deliver(outcomes: list[Outcome], taken: threading.Event) -> None:
    try:
        for outcome in outcomes:
            session = outcome.job.key
            assert isinstance(session, Session)
            session.on_outcome(outcome)
    finally:
        taken.set()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
