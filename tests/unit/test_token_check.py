import asyncio
import socket

import pytest
from aiohttp import web

from agent.private_files import Keys
from agent.token_check import Verdict, check_token, http_address
from tests.fakes.livekit_http import LIST_ROOMS, http_server, livekit_app

KEYS = Keys(api_key="ours", api_secret="o" * 40)


async def test_a_server_with_our_key_accepts_it() -> None:
    async with http_server(livekit_app("ours", "o" * 40)) as url:
        check = await check_token(url.replace("http:", "ws:") + "/", KEYS)
    assert check.is_accepted


@pytest.mark.parametrize(("key", "secret"), [("theirs", "o" * 40), ("ours", "x" * 40)])
async def test_a_server_with_another_key_or_secret_refuses(key: str, secret: str) -> None:
    async with http_server(livekit_app(key, secret)) as url:
        check = await check_token(url, KEYS)
    assert check.verdict is Verdict.REFUSED


async def test_the_short_secret_of_a_development_server_is_used_without_a_warning() -> None:
    async with http_server(livekit_app("devkey", "secret" * 6)) as url:
        check = await check_token(url, Keys(api_key="devkey", api_secret="secret"))
    assert check.verdict is Verdict.REFUSED


async def test_a_closed_port_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    check = await check_token(f"ws://127.0.0.1:{port}", KEYS)
    assert check.verdict is Verdict.UNREACHABLE
    assert "refused" in check.detail.lower()


async def test_a_server_that_never_answers_is_unreachable_after_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"ws://127.0.0.1:{server.getsockname()[1]}"
        check = await check_token(url, KEYS, deadline_s=0.1)
    assert check.verdict is Verdict.UNREACHABLE
    assert "0.1 seconds" in check.detail


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 404},
        {"status": 200, "text": ""},
        {"status": 200, "text": "<html>hello</html>", "content_type": "text/html"},
        {"status": 200, "text": "[]", "content_type": "application/json"},
        {"status": 200, "text": "{", "content_type": "application/json"},
        {"status": 302, "headers": {"Location": "/login"}},
    ],
)
async def test_any_other_answer_is_not_livekit(answer: dict[str, object]) -> None:
    async def other(request: web.Request) -> web.Response:
        return web.Response(**answer)  # type: ignore[arg-type]

    app = web.Application()
    app.router.add_post(LIST_ROOMS, other)
    async with http_server(app) as url:
        check = await check_token(url, KEYS)
    assert check.verdict is Verdict.NOT_LIVEKIT


async def test_a_server_that_speaks_no_http_is_not_livekit() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        check = await check_token(f"ws://127.0.0.1:{port}", KEYS)
    assert check.verdict is Verdict.NOT_LIVEKIT


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("ws://127.0.0.1:7880", "http://127.0.0.1:7880"),
        ("wss://live.example/", "https://live.example"),
        ("https://live.example/base/", "https://live.example/base"),
    ],
)
def test_addresses_are_turned_into_http_ones(url: str, address: str) -> None:
    assert http_address(url) == address


@pytest.mark.parametrize("url", ["127.0.0.1:7880", "ftp://x", "ws://", "ws://host:port", ""])
def test_what_is_no_address_is_said_to_be_none(url: str) -> None:
    with pytest.raises(ValueError, match="ws://127.0.0.1:7880|[Pp]ort"):
        http_address(url)
