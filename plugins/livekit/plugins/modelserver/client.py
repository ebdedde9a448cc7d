"""The model server as a call sees it: one connection a process, and handles on its engines."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from livekit.plugins.speechcore import EngineError, EngineTimeout

from .address import parse_address
from .backoff import Backoff
from .link import Link, open_link
from .messages import from_json
from .protocol import Frame, Kind

CONNECT_TIMEOUT_S = 2.0
DEAD_AFTER_S = 0.9


class ModelServerClient:
    """Connects when it is first needed, and again when it is needed after the server has gone.

    For one event loop. After a failed attempt further ones are refused at once until the back-off is
    over, so that a dead server costs a call nothing. Made without any I/O.
    """

    def __init__(
        self, address: str, *, token: str = "", dead_after_s: float = DEAD_AFTER_S
    ) -> None:
        """`dead_after_s`: a server that says nothing for so long, though it is asked, is dead.

        Raises ValueError for an address that is none.
        """
        self._address = parse_address(address)
        self._token = token
        self._dead_after_s = dead_after_s
        self._link: Link | None = None
        self._connecting: asyncio.Task[Link] | None = None
        self._backoff = Backoff()
        self._not_before_s = 0.0
        self._last_error: EngineError | None = None
        self._is_closed = False

    @property
    def is_connected(self) -> bool:
        return self._link is not None and self._link.is_alive

    @property
    def description(self) -> dict[str, Any]:
        """What the server said of itself when it was last connected to; empty before."""
        return self._link.description if self._link is not None else {}

    async def link(self, timeout_s: float) -> Link:
        """The connection. Raises EngineError, EngineBusy (at capacity), EngineTimeout."""
        if self._link is not None and self._link.is_alive:
            return self._link
        connecting = self.connect()
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(connecting)
        except TimeoutError as e:
            raise self._silent() from e
        except asyncio.CancelledError:
            if connecting.cancelled():  # by `close()`; the caller is not
                raise _closed() from None
            raise

    def connect(self) -> asyncio.Task[Link]:
        """Begins to connect, unless it does already. Raises EngineError while it may not."""
        if self._is_closed:
            raise _closed()
        if self._connecting is not None:
            return self._connecting
        if self._last_error is not None and time.monotonic() < self._not_before_s:
            raise type(self._last_error)(str(self._last_error))
        self._connecting = asyncio.create_task(self._connect(), name="model-server-connection")
        self._connecting.add_done_callback(_retrieve)
        return self._connecting

    async def status(self, *, timeout_s: float) -> dict[str, Any]:
        """What the server says of itself now: its engines, their capacity and what is free.

        Raises EngineError and its kinds.
        """
        link = await self.link(timeout_s)
        question = _Question()
        session = link.begin(question, Kind.STATUS, b"")
        try:
            async with asyncio.timeout(timeout_s):
                return await question.answer
        except TimeoutError as e:
            raise self._silent() from e
        finally:
            link.end(session)

    def close(self) -> None:
        """Ends all sessions and the connection, for good; harmless when repeated."""
        self._is_closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._link is not None:
            self._link.close()

    def _silent(self) -> EngineTimeout:
        return EngineTimeout(f"the model server at {self._address} does not answer")

    async def _connect(self) -> Link:
        try:
            self._link = await open_link(
                self._address,
                self._token,
                timeout_s=CONNECT_TIMEOUT_S,
                dead_after_s=self._dead_after_s,
            )
        except EngineError as e:
            self._last_error = e
            wait_s = self._backoff.next_s(random.random())  # nosec B311 # so that not all come at once
            self._not_before_s = time.monotonic() + wait_s
            raise
        finally:
            self._connecting = None
        self._last_error = None
        self._backoff.reset()
        return self._link


class _Question:
    """Waits for one STATUS."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    def on_frame(self, frame: Frame) -> None:
        if not self.answer.done():
            self.answer.set_result(from_json(frame.payload))

    def on_lost(self, error: EngineError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


def _closed() -> EngineError:
    return EngineError("the connection to the model server has been closed")


def _retrieve(task: asyncio.Task[Link]) -> None:
    """Whoever needs the connection sees its error; if nobody does, it is no news."""
    if not task.cancelled():
        task.exception()
