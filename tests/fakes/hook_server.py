"""An auth hook on loopback that answers as it is told, well or badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

__all__ = ["HookServer", "answer", "hook_server"]


def answer(status: int, *headers: str) -> bytes:
    """An answer without body."""
    lines = (f"HTTP/1.1 {status} Said", "Content-Length: 0", *headers)
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


@dataclass
class HookServer:
    """Records whom it is asked about."""

    said: bytes = answer(200)
    """All that it says; nothing for a hook that hangs."""
    has_endless_body: bool = False
    """Whether it goes on sending until nobody listens."""
    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Request line and headers, with names in small letters, of each question."""
    sent_bytes: int = 0
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._answer_all(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._serving.discard(task)
            writer.close()

    async def end(self) -> None:
        """Ends what hangs."""
        for task in (tasks := list(self._serving)):
            task.cancel()
        await asyncio.gather(*tasks)

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *fields = head.strip().split("\r\n")
            pairs = (entry.partition(": ") for entry in fields)
            self.asked.append((line, {name.lower(): text for name, _, text in pairs}))
            await self._send(writer, self.said)
            while self.has_endless_body:
                await self._send(writer, bytes(65536))

    async def _send(self, writer: asyncio.StreamWriter, chunk: bytes) -> None:
        writer.write(chunk)
        await writer.drain()
        self.sent_bytes += len(chunk)


@asynccontextmanager
async def hook_server(said: bytes, *, has_endless_body: bool = False) -> AsyncIterator[HookServer]:
    hook = HookServer(said=said, has_endless_body=has_endless_body)
    server = await asyncio.start_server(hook.serve, "127.0.0.1", 0)
    hook.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/check?key=of-the-hook"
    try:
        yield hook
    finally:
        server.close()
        await hook.end()
        await server.wait_closed()
