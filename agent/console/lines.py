"""What is typed, a line at a time, without holding up the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
from threading import Thread

LONGEST_LINE_BYTES = 64_000
"""What is longer comes in parts."""
_PIECE_BYTES = 4096


class Lines:
    """Lines of a file descriptor: a terminal, a pipe or a file.

    It is read by threads that end with the process, as a terminal that is waited for cannot be let go of.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting = b""
        self._reading: asyncio.Future[bytes] | None = None
        self._is_over = False

    async def next(self) -> str | None:
        """The next line without its end; None when there are no more. To be cancelled at will."""
        while b"\n" not in self._waiting and len(self._waiting) < LONGEST_LINE_BYTES:
            if self._is_over:
                rest, self._waiting = self._waiting, b""
                return _text(rest) if rest else None
            piece = await self._read()
            self._is_over = not piece
            self._waiting += piece
        line, _, self._waiting = self._waiting.partition(b"\n")
        return _text(line)

    async def _read(self) -> bytes:
        if self._reading is None:
            loop = asyncio.get_running_loop()
            self._reading = loop.create_future()
            # Not `sys.stdin`: its lock, held by a thread that waits, breaks the interpreter's end.
            Thread(target=self._fill, args=(loop, self._reading), name="lines", daemon=True).start()
        piece = await asyncio.shield(self._reading)
        self._reading = None
        return piece

    def _fill(self, loop: asyncio.AbstractEventLoop, reading: asyncio.Future[bytes]) -> None:
        try:
            piece = os.read(self._descriptor, _PIECE_BYTES)
        except OSError:  # a terminal that was closed
            piece = b""
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(_settle, reading, piece)


def _settle(reading: asyncio.Future[bytes], piece: bytes) -> None:
    if not reading.done():
        reading.set_result(piece)


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace").rstrip("\r")
