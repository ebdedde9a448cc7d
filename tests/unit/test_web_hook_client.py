"""agent.web.hook_client: tokens by leave of a hook, over real sockets on loopback."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import jwt
import pytest

from agent.web.rules import Rules
from agent.web.server import WebOptions
from tests.fakes.hook_server import HookServer, answer, hook_server
from tests.fakes.web_site import Site, served

SECRET = "a-secret-of-at-least-32-characters-for-tests"
SHOP = "https://shop.example"


@pytest.fixture
def options(tmp_path: Path) -> WebOptions:
    return WebOptions(
        livekit_url="ws://127.0.0.1:7880",
        api_key="key",
        api_secret=SECRET,
        dist=tmp_path,
        port=0,
        auth_timeout_s=0.2,
    )


@asynccontextmanager
async def guarded(
    options: WebOptions, said: bytes = answer(200), *, has_endless_body: bool = False
) -> AsyncIterator[tuple[Site, HookServer]]:
    """The page with a hook that says `said`."""
    async with hook_server(said, has_endless_body=has_endless_body) as hook:
        rules = replace(options.rules, auth_url=hook.url)
        async with served(replace(options, rules=rules)) as site:
            yield site, hook


def faults(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == "agent.web.hook_client"]


async def test_whom_the_hook_lets_in_gets_a_token(options: WebOptions) -> None:
    async with guarded(options, answer(204)) as (site, _):
        status, given = await site.post(json={})
    assert status == 201
    assert given["participant_token"]


async def test_the_hook_is_asked_as_proxies_ask_one(options: WebOptions) -> None:
    login = {"Authorization": "Bearer mine", "Cookie": "session=7", "X-Forwarded-For": "10.9.9.9"}
    behind = {"Host": "talk.example", "X-Real-Ip": "10.9.9.9", "X-Forwarded-Uri": "/public"}
    options = replace(options, allowed_hosts=("Talk.example",))
    async with guarded(options) as (site, hook):
        await site.post(json={}, headers=login | behind)
    [(line, headers)] = hook.asked
    assert line == "GET /check?key=of-the-hook HTTP/1.1"
    assert headers["authorization"] == "Bearer mine"
    assert headers["cookie"] == "session=7"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-method"] == "POST"
    assert headers["x-forwarded-uri"] == "/api/token"
    assert headers["x-forwarded-host"] == "talk.example"
    assert headers["x-forwarded-proto"] == "https"
    assert not {"x-real-ip", "content-length", "origin"} & set(headers)


@pytest.mark.parametrize(("status", "sentence"), [(401, "not logged in"), (403, "may not call")])
async def test_whom_the_hook_refuses_gets_one_sentence(
    options: WebOptions, caplog: pytest.LogCaptureFixture, status: int, sentence: str
) -> None:
    async with (
        guarded(options, answer(status, "WWW-Authenticate: Basic realm=own")) as (site, _),
        site.ask(json={}) as refused,
    ):
        assert refused.status == status
        assert sentence in (await refused.json())["error"]
        challenge = refused.headers.get("WWW-Authenticate")
        assert challenge == ("Bearer" if status == 401 else None)
    assert not faults(caplog)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (answer(302, "Location: /login"), "answers 302, a redirect, where 401"),
        (answer(500), "answers 500"),
        (answer(404), "answers 404"),
        (b"", "does not answer within 0.2 s"),
        (b"HTTP/1.1 200 ", "does not answer within 0.2 s"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "speaks no HTTP"),
        (b"HTTP/1.1 200 Said\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", "speaks no HTTP"),
        (answer(200, "X-Parley-Identity: agent-7"), "names a caller who cannot be"),
        (answer(200, "X-Parley-Name: " + "x" * 200), "names a caller who cannot be"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_hook_that_gives_no_answer_lets_nobody_in_and_the_operator_knows(
    options: WebOptions, caplog: pytest.LogCaptureFixture, said: bytes, fault: str
) -> None:
    async with guarded(options, said) as (site, hook):
        login = {"Authorization": "Bearer of-a-caller", "Cookie": "session=of-a-caller"}
        for _ in range(2):
            status, refused = await site.post(json={}, headers=login)
            assert status == 503
            assert "cannot be found out" in refused["error"]
    [line] = faults(caplog)
    assert fault in line
    assert f"{hook.url.partition('?')[0]}:" in line
    assert "of-a-caller" not in line and "of-the-hook" not in line


async def test_a_redirect_of_the_hook_is_not_followed(options: WebOptions) -> None:
    async with hook_server(answer(200)) as open_door:
        async with guarded(options, answer(307, f"Location: {open_door.url}")) as (site, _):
            status, _ = await site.post(json={})
    assert status == 503
    assert not open_door.asked


async def test_a_hook_that_is_down_lets_nobody_in(
    options: WebOptions, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    rules = Rules(auth_url=f"http://127.0.0.1:{port}")
    async with served(replace(options, rules=rules)) as site:
        status, _ = await site.post(json={})
    assert status == 503
    [line] = faults(caplog)
    assert "cannot be reached" in line


async def test_a_body_without_end_is_left_unread(options: WebOptions) -> None:
    async with guarded(options, b"HTTP/1.1 200 Said\r\n\r\n", has_endless_body=True) as (
        site,
        hook,
    ):
        for _ in range(3):
            status, _ = await site.post(json={})
            assert status == 201
    assert hook.sent_bytes < 50_000_000


async def test_no_caller_is_taken_for_the_one_before(options: WebOptions) -> None:
    async with guarded(options, answer(200, "Set-Cookie: session=ann; Path=/")) as (site, hook):
        await site.post(json={}, headers={"Cookie": "session=ann", "Authorization": "Bearer ann"})
        await site.post(json={})
    assert [set(headers) & {"cookie", "authorization"} for _, headers in hook.asked] == [
        {"cookie", "authorization"},
        set(),
    ]


async def test_who_asks_too_often_is_refused_before_the_hook_is_asked(options: WebOptions) -> None:
    options = replace(options, rules=Rules(calls_per_minute=2))
    async with guarded(options, answer(401)) as (site, hook):
        answers = [(await site.post(json={}))[0] for _ in range(4)]
    assert answers == [401, 401, 429, 429]
    assert len(hook.asked) == 2


async def test_other_sites_are_refused_before_the_hook_is_asked(options: WebOptions) -> None:
    async with guarded(options) as (site, hook):
        status, _ = await site.post(json={}, headers={"Origin": SHOP, "Cookie": "session=7"})
        async with site.preflight(SHOP):
            pass
    assert status == 403
    assert not hook.asked


async def test_with_a_password_both_have_to_be_content(options: WebOptions) -> None:
    options = replace(options, rules=Rules(password="a-password-of-some-length"))
    async with guarded(options) as (site, hook):
        status, _ = await site.post(json={})
    assert status == 401
    assert not hook.asked


async def test_whom_the_hook_names_is_nobody_else(options: WebOptions) -> None:
    named = answer(200, "X-Parley-Identity: ann@example.org", "X-Parley-Name: Ann Müller")
    async with guarded(options, named) as (site, _):
        body = {"participant_identity": "bob", "participant_name": "Bob"}
        _, given = await site.post(json=body)
    claims = jwt.decode(given["participant_token"], SECRET, algorithms=["HS256"])
    assert given["participant_identity"] == claims["sub"] == "ann@example.org"
    assert claims["name"] == "Ann Müller"


async def test_a_listed_site_may_send_the_cookies_that_the_hook_goes_by(
    options: WebOptions,
) -> None:
    options = replace(options, rules=Rules(origins=(SHOP,)))
    async with guarded(options, answer(401)) as (site, hook):
        async with site.preflight(SHOP) as allowed:
            assert allowed.headers["Access-Control-Allow-Credentials"] == "true"
            assert not hook.asked
        async with site.ask(json={}, headers={"Origin": SHOP}) as refused:
            assert refused.status == 401
            assert refused.headers["Access-Control-Allow-Credentials"] == "true"
            assert refused.headers["Access-Control-Allow-Origin"] == SHOP
