"""One WebSocket to a Moshi server, from the handshake on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
from livekit.plugins.speechcore import EngineBusy, EngineError, EngineTimeout

from .messages import Kind, Message, audio_message, parse
from .options import MoshiOptions

_LARGEST_MESSAGE_BYTES = 1_000_000
"""The servers' own have some hundred."""

_CLOSE_S = 0.3
_MOST_REASON = 200
_BUSY = {429, 503}
_NO_KEY = {401, 403}


class Connection:
    """Sends and receives; whatever ends it is an EngineError that says what it was."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, name: str) -> None:
        self._socket = socket
        self._name = name

    async def send(self, pages: bytes) -> None:
        """Waits while the server does not read."""
        try:
            await self._socket.send_bytes(audio_message(pages))
        except (aiohttp.ClientError, ConnectionError) as e:
            raise EngineError(f"{self._name} broke off ({type(e).__name__})") from e

    async def receive(self) -> Message:
        """The next message; those that nobody knows are passed over."""
        while True:
            got = await self._socket.receive()
            match got.type:
                case aiohttp.WSMsgType.BINARY:
                    message = parse(got.data)
                    if message is None:
                        continue
                    if message.kind is Kind.ERROR:
                        reason = message.text[:_MOST_REASON] or "no reason given"
                        raise EngineError(f"{self._name} reports: {reason}")
                    return message
                case aiohttp.WSMsgType.TEXT | aiohttp.WSMsgType.PING | aiohttp.WSMsgType.PONG:
                    continue
                case aiohttp.WSMsgType.ERROR:
                    kind = type(self._socket.exception()).__name__
                    raise EngineError(f"{self._name} broke off ({kind})")
                case _:
                    raise EngineError(f"{self._name} hung up (code {self._socket.close_code})")


@asynccontextmanager
async def connect(options: MoshiOptions) -> AsyncIterator[Connection]:
    """A conversation with the model, which begins here and ends with the context.

    Raises EngineBusy when the server talks to somebody else, EngineTimeout, EngineError.
    """
    name = f"the Moshi server at {options.netloc}"
    async with aiohttp.ClientSession() as http:
        socket = await _open(http, options, name)
        try:
            connection = Connection(socket, name)
            await _shake_hands(connection, options, name)
            yield connection
        finally:
            with suppress(TimeoutError):  # a server that does not read would hold it up
                async with asyncio.timeout(_CLOSE_S):
                    await socket.close()


async def _open(
    http: aiohttp.ClientSession, options: MoshiOptions, name: str
) -> aiohttp.ClientWebSocketResponse:
    try:
        async with asyncio.timeout(options.handshake_s):
            return await http.ws_connect(
                options.endpoint,
                max_msg_size=_LARGEST_MESSAGE_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_S),
            )
    except TimeoutError as e:
        raise EngineTimeout(f"{name} did not answer within {options.handshake_s:g} s") from e
    except aiohttp.WSServerHandshakeError as e:
        raise _refusal(e.status, name) from None  # its own text has the address, secrets included
    except aiohttp.ClientConnectorCertificateError:
        raise EngineError(
            f"{name} has a certificate that nobody vouches for: "
            "name the file of it in SSL_CERT_FILE, or use a proxy with a real one"
        ) from None
    except aiohttp.ClientConnectorError as e:
        raise EngineError(f"{name} cannot be reached: is it running?") from e
    except (aiohttp.ClientError, OSError) as e:
        raise EngineError(f"{name} broke off ({type(e).__name__})") from None


async def _shake_hands(connection: Connection, options: MoshiOptions, name: str) -> None:
    try:
        async with asyncio.timeout(options.handshake_s):
            while (await connection.receive()).kind is not Kind.HANDSHAKE:
                pass
    except TimeoutError as e:
        raise EngineBusy(
            f"{name} did not begin within {options.handshake_s:g} s: "
            "it serves one call, and seems to be in another"
        ) from e


def _refusal(status: int, name: str) -> EngineError:
    if status in _BUSY:
        return EngineBusy(f"{name} has no room for one more call ({status})")
    if status in _NO_KEY:
        return EngineError(
            f"{name} wants a key ({status}): give it in the address, as ?worker_auth_id=… or so"
        )
    return EngineError(f"{name} does not talk ({status}): is it a Moshi server?")
