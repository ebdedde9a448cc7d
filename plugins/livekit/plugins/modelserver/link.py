"""A greeted connection to a model server, on the caller's side."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any, Protocol

from livekit.plugins.speechcore import EngineBusy, EngineError, EngineTimeout, Timer

from .address import Address, UnixAddress
from .messages import Fault, FaultKind, Hello, from_json
from .protocol import Frame, FrameDecoder, Kind, ProtocolError, encode

_MOST_UNSENT_BYTES = 1 << 20
"""That the server leaves unread: then it is as good as dead."""

_PING_EVERY = 0.15
_UNANSWERED = 0.65
"""Shares of the time in which a dead server is to be noticed: a ping is sent at most one interval
after the last answer, and its silence seen at most one interval late."""

_IDLE_PING_S = 5.0
"""Between pings while no session is open; the server drops those it has not heard for 30 s."""


class Receiver(Protocol):
    """A session's end on the caller's side; called on the event loop."""

    def on_frame(self, frame: Frame) -> None:
        """Raises ProtocolError for what makes no sense."""
        ...

    def on_lost(self, error: EngineError) -> None:
        """The session has ended by this error; nothing follows."""
        ...


def error_of(fault: Fault) -> EngineError:
    """As the engine would have raised it in this process."""
    match fault.kind:
        case FaultKind.BUSY:
            return EngineBusy(fault.sentence)
        case FaultKind.TIMEOUT:
            return EngineTimeout(fault.sentence)
    return EngineError(fault.sentence)


class Link(asyncio.Protocol):
    """Carries any number of sessions. When it is lost, each session is told at once.

    A server that is dead or hangs is noticed within `dead_after_s` while a session is open: by the
    end of the connection (milliseconds), or because no ping is answered.
    """

    def __init__(self, address: Address, *, dead_after_s: float) -> None:
        self.description: dict[str, Any] = {}
        """What READY told: the engines and their capacity."""
        self._address = address
        self._dead_after_s = dead_after_s
        self._decoder = FrameDecoder()
        self._sessions: dict[int, Receiver] = {}
        self._count = 0
        self._transport: asyncio.Transport | None = None
        self._error: EngineError | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._timer = Timer()
        self._asked_s: float | None = None
        """When the first ping was sent that is not answered; what ever comes is an answer."""

    @property
    def is_alive(self) -> bool:
        return self._error is None and self._transport is not None

    @property
    def is_greeted(self) -> bool:
        return bool(self.description)

    async def greet(self, token: str) -> None:
        """Waits for READY. Raises EngineError, or EngineBusy when the server is at capacity."""
        self._write(Kind.HELLO, 0, Hello(token).to_payload())
        await self._ready

    def begin(self, receiver: Receiver, kind: Kind, payload: bytes) -> int:
        """Begins a session with its first frame; returns its number.

        Raises EngineError, or ProtocolError for a payload that is too large.
        """
        self._count += 1
        self.send(kind, self._count, payload)
        self._sessions[self._count] = receiver
        if len(self._sessions) == 1:
            self._asked_s = None
            self._watch()
        return self._count

    def send(self, kind: Kind, session: int, payload: bytes = b"") -> None:
        """Raises EngineError when the server is gone."""
        if self._error is not None:
            raise self._error
        self._write(kind, session, payload)
        assert self._transport is not None
        if self._transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
            self._fail(EngineError(f"the model server at {self._address} reads nothing any more"))

    def end(self, session: int, kind: Kind | None = None) -> None:
        """Forgets a session, and tells the server with `kind` unless that knows."""
        if self._sessions.pop(session, None) is not None and kind is not None and self.is_alive:
            self._write(kind, session)

    def close(self) -> None:
        """Harmless when repeated."""
        self._fail(EngineError("the connection to the model server has been closed"))

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._asked_s = None
        try:
            for frame in self._decoder.feed(data):
                self._handle(frame)
        except ProtocolError as e:
            self._fail(EngineError(f"the model server at {self._address}: {e}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(EngineError(f"the model server at {self._address} has gone away"))

    # Frames.

    def _handle(self, frame: Frame) -> None:
        if frame.session == 0:
            self._handle_own(frame)
        elif receiver := self._sessions.get(frame.session):
            if frame.kind in (Kind.ERROR, Kind.AT_CAPACITY):
                del self._sessions[frame.session]
                receiver.on_lost(error_of(Fault.from_payload(frame.payload)))
            else:
                receiver.on_frame(frame)

    def _handle_own(self, frame: Frame) -> None:
        match frame.kind:
            case Kind.READY if not self._ready.done():
                description = from_json(frame.payload)
                if not isinstance(description, dict) or not description:
                    raise ProtocolError("it does not say what it serves")
                self.description = description
                self._ready.set_result(None)
                self._watch()
            case Kind.ERROR | Kind.AT_CAPACITY:
                self._fail(error_of(Fault.from_payload(frame.payload)))
            case Kind.PONG:
                pass
            case kind:
                raise ProtocolError(f"{kind.name} was not expected")

    # The watch.

    def _watch(self) -> None:
        """Pings, and judges by what is not answered: so a loop that was blocked itself blames nobody."""
        self._timer.cancel()
        if self._error is not None:
            return
        now_s = time.monotonic()
        if self._asked_s is None:
            self._asked_s = now_s
            self._write(Kind.PING, 0)
        elif self._sessions and now_s - self._asked_s >= _UNANSWERED * self._dead_after_s:
            silence = f"has not answered for {now_s - self._asked_s:.1f} s"
            self._fail(EngineError(f"the model server at {self._address} {silence}"))
            return
        delay_s = _PING_EVERY * self._dead_after_s if self._sessions else _IDLE_PING_S
        self._timer.after(delay_s, self._watch)

    def _write(self, kind: Kind, session: int, payload: bytes = b"") -> None:
        if self._transport is not None:
            self._transport.write(encode(kind, session, payload))

    def _fail(self, error: EngineError) -> None:
        """The end of the link, by the first error that is noticed."""
        if self._error is not None:
            return
        self._error = error
        self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # it may be that nobody waits for it any more
        sessions, self._sessions = self._sessions, {}
        for receiver in sessions.values():
            receiver.on_lost(error)


async def open_link(address: Address, token: str, *, timeout_s: float, dead_after_s: float) -> Link:
    """Connects and greets. Raises EngineError, EngineBusy or EngineTimeout."""
    loop = asyncio.get_running_loop()
    link = Link(address, dead_after_s=dead_after_s)
    try:
        async with asyncio.timeout(timeout_s):
            if isinstance(address, UnixAddress):
                await loop.create_unix_connection(lambda: link, str(address.path))
            else:
                await loop.create_connection(lambda: link, address.host, address.port)
            await link.greet(token)
    except TimeoutError as e:
        raise EngineTimeout(f"the model server at {address} does not answer") from e
    except OSError as e:
        reason = e.strerror or type(e).__name__
        if e.errno is not None and e.errno > 0:
            reason = os.strerror(e.errno)  # asyncio's own texts repeat the address
        raise EngineError(f"no model server can be reached at {address} ({reason})") from e
    else:
        return link
    finally:
        if not link.is_greeted:
            link.close()
