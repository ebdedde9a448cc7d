"""LiveKit's signalling through the page's own HTTPS server: the server has no TLS of its own."""

import asyncio
import logging
import weakref
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import WSCloseCode, WSMsgType, web
from yarl import URL

__all__ = ["add_signalling_proxy"]

logger = logging.getLogger(__name__)

_Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse
_MESSAGE_LIMIT_BYTES = 4 * 1024 * 1024
_CLOSE_S = 2.0
_CONNECT = aiohttp.ClientTimeout(total=10)


def add_signalling_proxy(app: web.Application, upstream: str) -> None:
    """Passes `/rtc…` on to the LiveKit server at `upstream` (http://host:port), nothing else.

    Its HTTP API stays unreachable. `app` must not have started.
    """
    proxy = _Proxy(URL(upstream))
    app.cleanup_ctx.append(proxy.client_session)
    app.on_shutdown.append(proxy.close_all)
    app.router.add_get("/rtc", proxy.handle)
    app.router.add_get("/rtc/{rest:.*}", proxy.handle)


class _Proxy:
    def __init__(self, upstream: URL) -> None:
        self._upstream = upstream
        self._session: aiohttp.ClientSession | None = None
        self._open: weakref.WeakSet[web.WebSocketResponse] = weakref.WeakSet()

    async def client_session(self, app: web.Application) -> AsyncIterator[None]:
        """Lasts as long as the application."""
        async with aiohttp.ClientSession(timeout=_CONNECT, auto_decompress=False) as session:
            self._session = session
            yield

    async def close_all(self, app: web.Application) -> None:
        """Tells every browser that the demo is ending."""
        closings = [front.close(code=WSCloseCode.GOING_AWAY) for front in list(self._open)]
        await asyncio.gather(*closings)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        target = URL(str(self._upstream) + request.rel_url.raw_path_qs, encoded=True)
        allowed = ("Authorization", "User-Agent")
        headers = {name: request.headers[name] for name in allowed if name in request.headers}
        assert self._session is not None
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return await self._plain(self._session, target, headers)
        try:
            behind = await self._session.ws_connect(
                target, headers=headers, max_msg_size=_MESSAGE_LIMIT_BYTES
            )
        except aiohttp.WSServerHandshakeError as e:
            # The client asks the same address again over HTTP to learn the reason.
            return web.Response(status=e.status, text=e.message)
        except (aiohttp.ClientError, TimeoutError):
            return _unreachable()
        async with behind:
            return await self._bridge(request, behind)

    async def _plain(
        self, session: aiohttp.ClientSession, target: URL, headers: dict[str, str]
    ) -> web.Response:
        """`/rtc/validate`: why a connection was refused, in words."""
        try:
            async with session.get(target, headers=headers, allow_redirects=False) as answer:
                body = await answer.read()
                return web.Response(
                    status=answer.status, body=body, content_type=answer.content_type
                )
        except (aiohttp.ClientError, TimeoutError):
            return _unreachable()

    async def _bridge(
        self, request: web.Request, behind: aiohttp.ClientWebSocketResponse
    ) -> web.WebSocketResponse:
        """Both directions at once until either side closes; the other is closed in the same way."""
        front = web.WebSocketResponse(
            max_msg_size=_MESSAGE_LIMIT_BYTES, timeout=_CLOSE_S, compress=False
        )
        await front.prepare(request)
        self._open.add(front)
        pumps = [
            asyncio.create_task(_pump(front, behind), name="signalling-up"),
            asyncio.create_task(_pump(behind, front), name="signalling-down"),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        await front.close(code=_sendable(behind.close_code))
        return front


def _unreachable() -> web.Response:
    return web.Response(status=502, text="The LiveKit server does not answer: is the demo ending?")


async def _pump(source: _Socket, target: _Socket) -> None:
    """Copies messages, then the close. Sending waits while `target` is slow: so does `source`."""
    try:
        async for message in source:
            if message.type is WSMsgType.TEXT:
                await target.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await target.send_bytes(message.data)
        await target.close(code=_sendable(source.close_code))
    except ConnectionError:
        logger.debug("signalling connection broke off")


def _sendable(code: int | None) -> int:
    """A close code that may be sent for one that was seen."""
    if code is None or code == 1005:  # "no code": an ordinary close
        return WSCloseCode.OK
    if code in {1004, 1006, 1015}:  # never on the wire: the connection broke off
        return WSCloseCode.GOING_AWAY
    return code
