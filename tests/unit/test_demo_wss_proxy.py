import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from agent.demo.certificate import ensure_certificate, tls_context
from agent.demo.options import DemoError
from agent.demo.page import start_page
from agent.ports import pick_port
from agent.web.server import WebOptions
from tests.fakes.livekit_http import http_server, livekit_app

BIG = bytes(range(256)) * 4096


@dataclass
class Upstream:
    """Stands in for livekit-server's signalling: echoes, and closes with the code it is told."""

    url: str = ""
    seen: list[tuple[str, str | None]] = field(default_factory=list)
    close_codes: list[int | None] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def signal(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.path_qs, request.headers.get("Authorization")))
        if request.query.get("access_token") == "bad":
            return web.Response(status=401, text="invalid token")
        ws = web.WebSocketResponse(max_msg_size=8 * 1024 * 1024)
        await ws.prepare(request)
        async for message in ws:
            if message.type is WSMsgType.TEXT and message.data.startswith("close "):
                await ws.close(code=int(message.data.split()[1]))
            elif message.type is WSMsgType.TEXT:
                await ws.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await ws.send_bytes(message.data)
        self.close_codes.append(ws.close_code)
        self.ended.set()
        return ws

    async def validate(self, request: web.Request) -> web.Response:
        return web.Response(status=401, text="token is expired")


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream()
    app = livekit_app("key", "s" * 40)
    app.router.add_get("/rtc/validate", upstream.validate)
    app.router.add_get("/rtc", upstream.signal)
    app.router.add_get("/rtc/v1", upstream.signal)
    async with http_server(app) as upstream.url:
        yield upstream


@pytest.fixture
async def page(upstream: Upstream, tmp_path: Path) -> AsyncIterator[str]:
    """Address of a page with HTTPS whose signalling goes to `upstream`."""
    files = ensure_certificate(tmp_path / "lan", "127.0.0.1", datetime.datetime.now(datetime.UTC))
    options = page_options(upstream.url, tmp_path, tls=tls_context(files))
    runner = await start_page(options, proxied_server=upstream.url)
    yield f"https://127.0.0.1:{options.port}"
    await runner.cleanup()


def page_options(server: str, folder: Path, tls: ssl.SSLContext | None = None) -> WebOptions:
    return WebOptions(
        livekit_url=server,
        api_key="key",
        api_secret="s" * 40,
        dist=folder / "dist",
        port=pick_port(20000),
        tls=tls,
    )


@pytest.fixture
async def browser(page: str, tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that trusts the certificate and checks the address in it."""
    trust = ssl.create_default_context(cafile=tmp_path / "lan" / "certificate.pem")
    async with aiohttp.ClientSession(page, connector=aiohttp.TCPConnector(ssl=trust)) as session:
        yield session


async def test_text_and_bytes_go_both_ways_whole(browser: aiohttp.ClientSession) -> None:
    async with browser.ws_connect("/rtc") as ws:
        await ws.send_str("grüezi")
        assert await ws.receive_str() == "grüezi"
        await ws.send_bytes(BIG)
        assert await ws.receive_bytes() == BIG


async def test_many_messages_keep_their_order_when_nobody_reads_for_a_while(
    browser: aiohttp.ClientSession,
) -> None:
    async with browser.ws_connect("/rtc") as ws:
        sending = asyncio.gather(*(ws.send_bytes(n.to_bytes(4) + BIG[:65536]) for n in range(100)))
        await asyncio.sleep(0.05)
        numbers = [int.from_bytes((await ws.receive_bytes())[:4]) for _ in range(100)]
        await sending
    assert numbers == list(range(100))


async def test_path_query_and_authorisation_arrive_unchanged(
    browser: aiohttp.ClientSession, upstream: Upstream
) -> None:
    path = "/rtc/v1?join_request=a%2Bb%3D&auto_subscribe=1"
    async with browser.ws_connect(path, headers={"Authorization": "Bearer t"}):
        pass
    assert upstream.seen == [(path, "Bearer t")]


@pytest.mark.parametrize("code", [1000, 1008, 4321])
async def test_the_close_code_of_the_server_reaches_the_browser(
    browser: aiohttp.ClientSession, code: int
) -> None:
    async with browser.ws_connect("/rtc") as ws:
        await ws.send_str(f"close {code}")
        await ws.receive()
        assert ws.close_code == code


async def test_the_close_code_of_the_browser_reaches_the_server(
    browser: aiohttp.ClientSession, upstream: Upstream
) -> None:
    async with browser.ws_connect("/rtc") as ws:
        await ws.close(code=4001)
    await asyncio.wait_for(upstream.ended.wait(), 5)
    assert upstream.close_codes == [4001]


async def test_a_browser_that_vanishes_ends_the_connection_behind_too(
    page: str, upstream: Upstream, tmp_path: Path
) -> None:
    trust = ssl.create_default_context(cafile=tmp_path / "lan" / "certificate.pem")
    port = int(page.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
    writer.write(
        f"GET /rtc HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()
    await asyncio.wait_for(upstream.ended.wait(), 5)


async def test_a_refusal_keeps_its_status(browser: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.ws_connect("/rtc?access_token=bad")
    assert refused.value.status == 401


async def test_the_reason_of_a_refusal_can_be_asked_for(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/rtc/validate?access_token=bad") as answer:
        assert (answer.status, await answer.text()) == (401, "token is expired")


async def test_the_http_interface_of_the_server_stays_unreachable(
    browser: aiohttp.ClientSession,
) -> None:
    async with browser.post("/twirp/livekit.RoomService/ListRooms", json={}) as answer:
        assert answer.status in {404, 405}


async def test_other_sites_cannot_use_the_signalling(browser: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.ws_connect("/rtc", headers={"Origin": "https://evil.example"})
    assert refused.value.status == 403


async def test_the_page_connects_to_its_own_address(
    browser: aiohttp.ClientSession, page: str
) -> None:
    async with browser.post("/api/token", json={}) as answer:
        assert (await answer.json())["server_url"] == page.replace("https:", "wss:")


async def test_ending_the_page_closes_open_connections_at_once(
    upstream: Upstream, tmp_path: Path
) -> None:
    options = page_options(upstream.url, tmp_path)
    runner = await start_page(options, proxied_server=upstream.url)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"ws://127.0.0.1:{options.port}/rtc") as ws,
    ):
        receiving = asyncio.create_task(ws.receive())
        async with asyncio.timeout(5):
            await runner.cleanup()
            await receiving
        assert ws.close_code == 1001


async def test_a_server_that_is_gone_is_a_bad_gateway(tmp_path: Path) -> None:
    options = page_options("ws://127.0.0.1:1", tmp_path)
    runner = await start_page(options, proxied_server="ws://127.0.0.1:1")
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{options.port}") as session:
            async with session.get("/rtc/validate") as answer:
                assert answer.status == 502
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect("/rtc")
            assert refused.value.status == 502
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("proxied", [None, "ws://127.0.0.1:1"])
async def test_a_taken_port_is_a_sentence_with_the_setting(
    tmp_path: Path, proxied: str | None
) -> None:
    options = page_options("ws://127.0.0.1:1", tmp_path)
    runner = await start_page(options, proxied_server=None)
    try:
        with pytest.raises(DemoError, match="AGENT_WEB_PORT"):
            await start_page(options, proxied_server=proxied)
    finally:
        await runner.cleanup()
