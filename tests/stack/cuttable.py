"""A TCP way to a server that can be cut, as a network does it, and one that leads around a server that
is gone, as a load balancer's does: for signalling, not for media."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any


class Cuttable:
    """Forwards `port` to another port of this machine, in a thread of its own: to the first of
    `to_ports` at which somebody listens just then."""

    def __init__(self, *to_ports: int) -> None:
        self._to_ports = to_ports
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cuttable")
        self._thread.start()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.mend()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def mend(self) -> None:
        """Lets everybody through."""
        self._run(self._listen())

    def cut(self) -> None:
        """Breaks every connection and refuses new ones."""
        self._run(self._break())

    def close(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _break(self) -> None:
        if self._server is not None:
            self._server.close()
        self._server = None
        for writer in self._writers:
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected = await self._connect()
        if connected is None:
            writer.transport.abort()
            return
        there_reader, there = connected
        self._writers |= {writer, there}
        try:
            await asyncio.gather(_copy(reader, there), _copy(there_reader, writer))
        finally:
            self._writers -= {writer, there}

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for port in self._to_ports:
            with contextlib.suppress(ConnectionError):
                return await asyncio.open_connection("127.0.0.1", port)
        return None

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    writer.transport.abort()


@contextmanager
def cuttable(*to_ports: int) -> Iterator[Cuttable]:
    way = Cuttable(*to_ports)
    try:
        yield way
    finally:
        way.close()
