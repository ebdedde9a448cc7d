"""An answer on its way to the client, and what goes wrong with it."""

from __future__ import annotations

import asyncio
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Never

from aiohttp import web

from .faults import AT_CONNECT, Fault, Kind

HTML = "<!DOCTYPE html><html><body><h1>Our gateway is having a moment</h1></body></html>"
HUGE_BYTES = 10_000_000
REQUEST_ID = "req_fake"
_POLICY_VIOLATION, _INTERNAL_ERROR = 1008, 1011

Piece = str | bytes


class Gone(Exception):
    """There is nobody to answer any more."""


@dataclass(frozen=True)
class Wire:
    """What broken pieces look like at a provider."""

    garbage: Piece
    huge: Callable[[], Piece]
    error: Callable[[int], Piece]
    """By status."""


SOUND = Wire(garbage=bytes(range(255)) * 3, huge=lambda: b"{" * HUGE_BYTES, error=lambda _: b"")
"""Plain sound in an HTTP body."""


class Answer(ABC):
    """Pieces sent one after the other; a fault of `fault` shows at its piece."""

    def __init__(self, request: web.Request, fault: Fault | None, wire: Wire) -> None:
        self.fault = fault
        self.sent = 0
        self.is_truncated = False
        self._is_mute = False
        self._has_failed = False
        self._request = request
        self._wire = wire

    def has(self, kind: Kind) -> bool:
        """Whether it is of this kind from the start."""
        return self.fault is not None and self.fault.kind is kind

    async def send(self, piece: Piece, *, is_end: bool = False) -> None:
        """`is_end`: belongs to the regular end, and comes after a truncated answer, too.

        Raises Gone when the connection has ended.
        """
        if self.fault is not None and self.sent >= self.fault.after:
            if self.fault.kind is Kind.DRIP:
                await asyncio.sleep(self.fault.pace_s)
            if not self._has_failed:
                self._has_failed = True
                await self._fail(self.fault)
        if self._is_mute or (self.is_truncated and not is_end):
            return
        try:
            await self._write(piece)
        except ConnectionError as e:
            raise Gone from e
        self.sent += 1

    async def fail(self, fault: Fault) -> None:
        """From now on; what can show at once does. Its `after` does not count."""
        self.fault, self._has_failed = replace(fault, after=self.sent), False
        if fault.kind in (Kind.RESET, Kind.DROP, Kind.STATUS, Kind.HALF_OPEN):
            self._has_failed = True
            await self._fail(fault)

    async def _fail(self, fault: Fault) -> None:
        match fault.kind:
            case Kind.RESET | Kind.DROP:
                hang_up(self._request, with_reset=fault.kind is Kind.RESET)
                raise Gone
            case Kind.STALL:
                self._is_mute = True
            case Kind.HALF_OPEN:
                self._is_mute = True
                stop_reading(self._request)
            case Kind.STATUS:
                await self._write(self._wire.error(fault.status))
                await self._end(_INTERNAL_ERROR if fault.status >= 500 else _POLICY_VIOLATION)
                raise Gone
            case Kind.HTML:
                await self._write(HTML)
            case Kind.GARBAGE:
                await self._write(self._wire.garbage)
            case Kind.HUGE:
                await self._write(self._wire.huge())
            case Kind.TRUNCATE:
                self.is_truncated = True

    @abstractmethod
    async def _write(self, piece: Piece) -> None: ...

    @abstractmethod
    async def _end(self, close_code: int) -> None: ...


class SocketAnswer(Answer):
    """Messages of a WebSocket; several answers may share one."""

    def __init__(
        self, request: web.Request, fault: Fault | None, wire: Wire, ws: web.WebSocketResponse
    ) -> None:
        super().__init__(request, fault, wire)
        self.socket = ws

    async def _write(self, piece: Piece) -> None:
        if isinstance(piece, bytes):
            await self.socket.send_bytes(piece)
        else:
            await self.socket.send_str(piece)

    async def _end(self, close_code: int) -> None:
        await self.socket.close(code=close_code)


class BodyAnswer(Answer):
    """Parts of an HTTP body. The headers go out with `begin`."""

    def __init__(
        self, request: web.Request, fault: Fault | None, wire: Wire, content_type: str
    ) -> None:
        super().__init__(request, fault, wire)
        headers = {"Content-Type": content_type, "x-request-id": REQUEST_ID}
        self.response = web.StreamResponse(headers=headers)

    async def begin(self) -> None:
        await self.response.prepare(self._request)

    async def finish(self) -> None:
        if self._is_mute:
            await forever()
        await self.response.write_eof()

    async def _write(self, piece: Piece) -> None:
        await self.response.write(piece if isinstance(piece, bytes) else piece.encode())

    async def _end(self, close_code: int) -> None:
        await self.response.write_eof()


async def instead(
    request: web.Request, fault: Fault | None, error: Callable[[int], object]
) -> web.Response | None:
    """What comes instead of any answer; None when an answer may begin. Raises Gone."""
    if fault is None or fault.after != AT_CONNECT:
        return None
    match fault.kind:
        case Kind.RESET | Kind.DROP:
            hang_up(request, with_reset=fault.kind is Kind.RESET)
            raise Gone
        case Kind.STALL:
            await forever()
        case Kind.HALF_OPEN:
            stop_reading(request)
            await forever()
        case Kind.STATUS:
            return refusal(fault.status, error(fault.status), fault.retry_after_s)
        case Kind.HTML:
            return web.Response(text=HTML, content_type="text/html")
    return None


def refusal(status: int, body: object, retry_after_s: float | None = None) -> web.Response:
    headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:g}"}
    return web.json_response(body, status=status, headers=headers)


def hang_up(request: web.Request, *, with_reset: bool) -> None:
    transport = request.transport
    if transport is None:
        return
    if with_reset:
        plug: socket.socket = transport.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def stop_reading(request: web.Request) -> None:
    transport = request.transport
    assert isinstance(transport, asyncio.ReadTransport)
    if not transport.is_closing():
        transport.pause_reading()


async def forever() -> Never:
    """Until the client goes, or the server."""
    await asyncio.Event().wait()
    raise AssertionError
