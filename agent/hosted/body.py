"""Bodies of OpenAI's answers that are not what their headers say, found out before they are used.

A gateway's page in the midst of a stream of events would take the event behind it with it, unnoticed:
clients of event streams pass over lines that they do not know. Nor do they ask whether the last event
was the last one.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from email.message import Message

import httpx2

RATE_HZ = 24_000
"""Of OpenAI's raw sound."""

_PLAIN = "identity"
_FIELDS = (b"data", b"event", b"id", b"retry")
_ENOUGH = len(b"retry:")
_END = re.compile(rb'data: ?\[DONE\]|"finish_reason": ?"|"speech\.audio\.done"')
"""In the last events of a stream that is whole; a language model's without the usage after it is, too."""
_LONGEST_END_BYTES = 24
_CONTAINERS = {
    b"RIFF": "audio/wav",
    b"ID3": "audio/mpeg",
    b"OggS": "audio/ogg",
    b"fLaC": "audio/flac",
}
"""By their first bytes, which no raw sound begins with: it would begin at half of full scale."""
_LONGEST_MAGIC = 4


async def check(response: httpx2.Response) -> None:
    """A response hook of httpx. Raises DecodingError now or while the body is read."""
    if not response.is_success:
        return
    kind = Message()
    kind["Content-Type"] = response.headers.get("Content-Type", "")
    if kind.get_content_type() == "text/html":
        raise _nonsense("a web page came instead of an answer", response.request)
    if response.headers.get("Content-Encoding", _PLAIN) != _PLAIN:
        return
    if kind.get_content_type() == "text/event-stream":
        response.stream = _Events(response)
    elif response.request.url.path.endswith("/audio/speech"):
        await _name_container(response, kind)


class EventLines:
    """Follows the lines of an event stream, as they come in pieces. Pure.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
    """

    def __init__(self) -> None:
        self.has_end = False
        """The last event has come, or one that all but tells of it."""
        self._begin = b""
        """Of the line in work."""
        self._last = b""
        """The piece before."""

    def process(self, piece: bytes) -> int:
        """How many of its bytes belong to events: fewer than it has if something else follows."""
        if not self.has_end:
            self._last = self._last[-_LONGEST_END_BYTES:] + piece
            self.has_end = _END.search(self._last) is not None
        at = 0
        for line in piece.splitlines(keepends=True):
            is_whole = line[-1:] in (b"\n", b"\r")
            begin = (self._begin + line[:_ENOUGH])[:_ENOUGH].rstrip(b"\r\n")
            if not _may_be_field(begin, is_whole=is_whole):
                return at
            self._begin = b"" if is_whole else begin
            at += len(line)
        return at


def _may_be_field(begin: bytes, *, is_whole: bool) -> bool:
    """Whether a line that begins so is a field, a comment or the end of an event."""
    name, colon, _ = begin.partition(b":")
    if colon or is_whole:
        return not name or name in _FIELDS
    return any(field.startswith(name) for field in _FIELDS)


class _Body(httpx2.AsyncByteStream):
    """A response's body, which is read on from where it has been read to."""

    def __init__(self, response: httpx2.Response) -> None:
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        self.request = response.request
        self._stream = response.stream
        self._pieces = aiter(response.stream)
        self._head = b""

    async def head(self, size: int) -> bytes:
        """So many bytes of it at least, or all there are."""
        async for piece in self._pieces:
            self._head += piece
            if len(self._head) >= size:
                break
        return self._head

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        try:
            if self._head:
                yield self._head
            async for piece in self._pieces:
                yield piece
        finally:
            if isinstance(self._pieces, AsyncGenerator):
                await self._pieces.aclose()

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Events(_Body):
    """An event stream that breaks off where something else begins."""

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        lines = EventLines()
        async with aclosing(super().__aiter__()) as pieces:
            async for piece in pieces:
                count = lines.process(piece)
                if count:
                    yield piece[:count]
                if count < len(piece):
                    raise _nonsense("something that is no event came in an answer", self.request)
        if not lines.has_end:
            raise _nonsense("an answer ended before its end", self.request)


async def _name_container(response: httpx2.Response, kind: Message) -> None:
    """Of a sound file, livekit takes the rate from its header, if it is known to be one."""
    body = _Body(response)
    response.stream = body
    begin = await body.head(_LONGEST_MAGIC)
    for magic, name in _CONTAINERS.items():
        if begin.startswith(magic):
            response.headers["Content-Type"] = name
            return
    rate_hz = kind.get_param("rate", RATE_HZ)
    if str(rate_hz) != str(RATE_HZ):
        raise _nonsense(f"sound of {rate_hz} Hz came, not of {RATE_HZ}", response.request)


def _nonsense(what: str, request: httpx2.Request) -> httpx2.DecodingError:
    return httpx2.DecodingError(what, request=request)
