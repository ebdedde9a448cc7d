"""A connection to moshi-server: opened, admitted, read, and closed without ado."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import cast

import aiohttp
from livekit.plugins.speechcore import EngineBusy, EngineError, EngineTimeout

from .messages import Message, Ready, Refused, unpack
from .options import ServerOptions

EARS_PATH = "/api/asr-streaming"
VOICE_PATH = "/api/tts_streaming"

_KEY_HEADER = "kyutai-api-key"
_LARGEST_BYTES = 2_000_000
_HEARTBEAT_S = 10.0
_PARTING_S = 0.02
_MOST_STRAYS = 16
"""Messages before the first of one's own: a place that has just become free may give the last caller's."""

_FULL_STATUS = {429, 503}
_FULL = ("no free", "capacity", "busy")
_REGULAR_ENDS = {0, 1000, 1005}

Socket = aiohttp.ClientWebSocketResponse


@contextlib.asynccontextmanager
async def connected(
    options: ServerOptions, path: str, query: Mapping[str, str], *, timeout_s: float
) -> AsyncIterator[Socket]:
    """A socket whose server is ready for this caller. Leaving hangs up, and waits for nobody.

    Raises EngineBusy where the server has no place left, EngineTimeout, EngineError.
    """
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
    socket: Socket | None = None
    try:
        try:
            async with asyncio.timeout(timeout_s):
                socket = await _open(session, options, path, query)
                await _admitted(socket, options)
        except TimeoutError as e:
            raise EngineTimeout(f"{_named(options)} was not ready within {timeout_s:g} s") from e
        yield socket
    finally:
        await _hang_up(session, socket)


async def messages(socket: Socket, options: ServerOptions) -> AsyncGenerator[Message, None]:
    """What the server says, until it ends the connection in good order. Raises EngineError."""
    while (message := await _next(socket, options)) is not None:
        if isinstance(message, Refused):
            # Not in its own words: they may be the caller's.
            raise EngineError(f"{_named(options)} reports an error")
        yield message


async def send(socket: Socket, data: bytes, options: ServerOptions) -> None:
    """Raises EngineError when the connection is gone."""
    try:
        await socket.send_bytes(data)
    except (aiohttp.ClientError, OSError, RuntimeError) as e:
        raise _broken(options) from e


async def _open(
    session: aiohttp.ClientSession, options: ServerOptions, path: str, query: Mapping[str, str]
) -> Socket:
    try:
        return await session.ws_connect(
            options.url.rstrip("/") + path,
            params=dict(query),
            headers={_KEY_HEADER: options.api_key},
            max_msg_size=_LARGEST_BYTES,
            heartbeat=_HEARTBEAT_S,
            autoclose=False,
        )
    except aiohttp.WSServerHandshakeError as e:
        raise _refusal(e.status, options) from e
    except aiohttp.ClientConnectorError as e:
        raise EngineError(f"{_named(options)} cannot be reached: is it running?") from e
    except (aiohttp.ClientError, OSError, ValueError) as e:
        raise _broken(options) from e


async def _hang_up(session: aiohttp.ClientSession, socket: Socket | None) -> None:
    """It is over either way: a peer that reads nothing any more would have us wait."""
    for one in (socket, session):
        if one is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_PARTING_S):
                    await one.close()


async def _admitted(socket: Socket, options: ServerOptions) -> None:
    for _ in range(_MOST_STRAYS):
        match await _next(socket, options):
            case Ready():
                return
            case Refused(reason):
                if any(word in reason.lower() for word in _FULL):
                    raise EngineBusy(f"{_named(options)} has no place left")
                raise EngineError(f"{_named(options)} refuses: {reason[:200]}")
            case None:
                raise EngineError(f"{_named(options)} ended the connection at once")
    raise EngineError(f"{_named(options)} does not say that it is ready")


async def _next(socket: Socket, options: ServerOptions) -> Message | None:
    """The next message of a known kind; None when the server has said goodbye."""
    while True:
        received = await socket.receive()
        match received.type:
            case aiohttp.WSMsgType.BINARY:
                if (message := unpack(cast(bytes, received.data))) is not None:
                    return message
            case aiohttp.WSMsgType.CLOSE if received.data in _REGULAR_ENDS:
                return None
            case (
                aiohttp.WSMsgType.CLOSE
                | aiohttp.WSMsgType.CLOSING
                | aiohttp.WSMsgType.CLOSED
                | aiohttp.WSMsgType.ERROR
            ):
                raise _broken(options)


def _refusal(status: int, options: ServerOptions) -> EngineError:
    if status in _FULL_STATUS:
        return EngineBusy(f"{_named(options)} has no place left (status {status})")
    if status in (401, 403):
        return EngineError(
            f"{_named(options)} does not take the key: set KYUTAI_API_KEY to its own"
        )
    if status == 404:
        return EngineError(
            f"{_named(options)} has no such model: its configuration must name both paths, "
            f"{EARS_PATH} and {VOICE_PATH}, or each its own server"
        )
    return EngineError(f"{_named(options)} refuses with status {status}")


def _broken(options: ServerOptions) -> EngineError:
    return EngineError(f"the connection to {_named(options)} broke off")


def _named(options: ServerOptions) -> str:
    return f"Kyutai's server at {options.name}"
