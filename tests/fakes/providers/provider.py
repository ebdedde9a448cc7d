"""What all fake providers share: a real server on this machine, keys, plans, faults on command."""

from __future__ import annotations

import asyncio
import contextlib
import json
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from weakref import WeakSet

from aiohttp import web

from .answer import (
    HUGE_BYTES,
    Answer,
    BodyAnswer,
    Gone,
    SocketAnswer,
    Wire,
    hang_up,
    instead,
    refusal,
)
from .faults import Fault, Plan

KEY = "sesame-open-0123456789"
_MAX_BODY_BYTES = 64_000_000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refused(Exception):
    """The request is answered with this instead."""

    def __init__(self, response: web.Response) -> None:
        super().__init__()
        self.response = response


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    path: str
    query: dict[str, str]
    body: Any = None


@dataclass
class FakeProvider(ABC):
    """Serves on 127.0.0.1 while `running`. `plans` say which request of a service meets which fault."""

    key: str = KEY
    """Any other is refused with 401."""
    plans: defaultdict[str, Plan] = field(default_factory=lambda: defaultdict(Plan))
    """By service; each provider lists its own."""
    latency_s: Callable[[], float] = lambda: 0.0
    """How long a request waits for its first piece; asked for each."""
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    """Where it serves; the API's base addresses are built on it."""
    _live: WeakSet[Answer] = field(default_factory=WeakSet)
    _requests: list[web.Request] = field(default_factory=list)
    _port: int = 0
    _runner: web.AppRunner | None = None
    _site: web.TCPSite | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        for method, path, handler in self.routes():
            app.router.add_route(method, path, self._guarded(handler))
        runner = self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await self.come_up()
        try:
            yield self
        finally:
            self._hang_up()
            await runner.cleanup()

    async def come_up(self) -> None:
        """Listens (again), on the same port as before."""
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await self._site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def go_down(self) -> None:
        """Closes its port, so that connecting is refused, and resets all connections."""
        assert self._site is not None
        await self._site.stop()
        self._hang_up()

    async def inject(self, fault: Fault) -> None:
        """All answers under way meet it now, or at their next piece."""
        for answer in list(self._live):
            with contextlib.suppress(Gone):
                await answer.fail(fault)

    @abstractmethod
    def routes(self) -> list[tuple[str, str, Handler]]: ...

    @abstractmethod
    def has_key(self, request: web.Request) -> bool: ...

    @abstractmethod
    def error(self, status: int) -> object:
        """The JSON body of a refusal."""

    async def admit(self, request: web.Request, service: str) -> Fault | None:
        """The fault of this request, if its connection comes about. Raises Refused, Gone."""
        fault = self.plans[service].take()
        await self.check(request, fault)
        return fault

    async def check(self, request: web.Request, fault: Fault | None) -> None:
        """Refuses a wrong key and lets a fault at the connection happen. Raises Refused, Gone."""
        if response := await instead(request, fault, self.error):
            raise Refused(response)
        if not self.has_key(request):
            raise Refused(refusal(401, self.error(401)))

    def note(self, request: web.Request, body: Any = None) -> None:
        self.asked.append(Asked(request.path, dict(request.query), body))

    def socket_answer(
        self, request: web.Request, fault: Fault | None, wire: Wire, ws: web.WebSocketResponse
    ) -> SocketAnswer:
        answer = SocketAnswer(request, fault, wire, ws)
        self._live.add(answer)
        return answer

    async def body_answer(
        self, request: web.Request, fault: Fault | None, wire: Wire, content_type: str
    ) -> BodyAnswer:
        """With its headers sent, after the latency."""
        await self.wait()
        answer = BodyAnswer(request, fault, wire, content_type)
        self._live.add(answer)
        await answer.begin()
        return answer

    async def json_answer(
        self, request: web.Request, fault: Fault | None, body: object
    ) -> web.StreamResponse:
        """A body in three pieces, so that it may break in the midst."""
        wire = Wire("\x00", lambda: " " * HUGE_BYTES, lambda status: json.dumps(self.error(status)))
        answer = await self.body_answer(request, fault, wire, "application/json")
        text = json.dumps(body)
        third = len(text) // 3
        for piece in (text[:third], text[third : 2 * third], text[2 * third :]):
            await answer.send(piece)
        await answer.finish()
        return answer.response

    async def wait(self) -> None:
        await asyncio.sleep(self.latency_s())

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            self._requests.append(request)
            try:
                return await handler(request)
            except Refused as e:
                return e.response
            except Gone:
                return web.Response()  # nobody gets it
            finally:
                self._requests.remove(request)

        return guarded

    def _hang_up(self) -> None:
        for request in list(self._requests):
            hang_up(request, with_reset=True)


async def open_socket(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse(max_msg_size=0)
    await ws.prepare(request)
    return ws
