"""agent.web.server: the token endpoint and the page, over real sockets on loopback."""

import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import jwt
import pytest
import pytest_asyncio

from agent.web.rules import Rules
from agent.web.server import WebError, WebOptions, build_app, serve
from tests.fakes.web_site import Site, served

SECRET = "a-secret-of-at-least-32-characters-for-tests"
PASSWORD = "a-password-of-some-length"
SHOP = "https://shop.example"


def cors_of(answer: aiohttp.ClientResponse) -> list[str]:
    return [name for name in answer.headers if name.startswith("Access-Control-")]


@pytest.fixture
def options(tmp_path: Path) -> WebOptions:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>Parley</title>")
    (tmp_path / "assets" / "main-abc123.js").write_text("export {};")
    (tmp_path / "secret.txt").write_text("not for the browser")
    return WebOptions(
        livekit_url="ws://127.0.0.1:7880",
        api_key="key",
        api_secret=SECRET,
        agent_name="parley",
        dist=tmp_path,
        port=0,
        rules=Rules(rooms=("kitchen",)),
    )


@pytest_asyncio.fixture
async def site(options: WebOptions) -> AsyncIterator[Site]:
    async with served(options) as site:
        yield site


async def test_a_token_answer_has_the_standard_fields(site: Site):
    status, answer = await site.post(json={"room_name": "kitchen", "participant_identity": "ann"})
    claims = jwt.decode(answer["participant_token"], SECRET, algorithms=["HS256"])

    assert status == 201
    assert answer["server_url"] == "ws://127.0.0.1:7880"
    assert (answer["room_name"], answer["participant_identity"]) == ("kitchen", "ann")
    assert (claims["video"]["room"], claims["sub"]) == ("kitchen", "ann")
    assert claims["roomConfig"]["agents"][0]["agentName"] == "parley"


async def test_a_body_is_optional(site: Site):
    status, answer = await site.post(headers={"Content-Type": "application/json"})

    assert status == 201
    assert answer["room_name"].startswith("parley-")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "sentence"),
    [
        (b"{", "application/json", 400, "not valid JSON"),
        (b"\xff\xfe{", "application/json", 400, "not valid JSON"),
        (b"[" * 15000, "application/json", 400, "not valid JSON"),
        (b'{"room_name": 5}', "application/json", 400, "must be a string"),
        (b'{"room_name": "bath"}', "application/json", 403, "may not be asked for"),
        (b"{}", "text/plain", 400, "Content-Type: application/json"),
        (b"x" * 17000, "application/json", 413, "16384 bytes at most"),
    ],
)
async def test_a_wrong_body_is_answered_with_one_sentence(
    site: Site, body: bytes, content_type: str, status: int, sentence: str
):
    got, answer = await site.post(data=body, headers={"Content-Type": content_type})

    assert got == status
    assert sentence in answer["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_foreign_hosts_and_pages_get_no_token(site: Site, headers: dict[str, str]):
    status, answer = await site.post(json={}, headers=headers)

    assert status == 403
    assert "participant_token" not in answer


async def test_other_sites_are_told_by_no_header_that_they_may_ask(site: Site):
    for origin in ("http://evil.example", site.url):
        async with site.preflight(origin) as answer:
            assert answer.status == (405 if origin == site.url else 403)
            assert not cors_of(answer)
            assert "Vary" not in answer.headers


async def test_a_listed_site_may_ask_for_a_token_and_read_what_is_refused(options: WebOptions):
    rules = Rules(origins=(SHOP,), calls_per_minute=1)
    async with served(replace(options, rules=rules)) as site:
        for status in (201, 429):
            async with site.ask(json={}, headers={"Origin": SHOP}) as answer:
                assert answer.status == status
                assert answer.headers["Access-Control-Allow-Origin"] == SHOP
                assert answer.headers["Vary"] == "Origin"
                assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_the_browser_of_a_listed_site_is_told_what_it_may_send(options: WebOptions):
    async with served(replace(options, rules=Rules(origins=(SHOP,), calls_per_minute=1))) as site:
        for _ in range(3):  # asking whether one may ask counts for nothing
            async with site.preflight(SHOP) as answer:
                assert answer.status == 204
                assert answer.headers["Access-Control-Allow-Origin"] == SHOP
                assert answer.headers["Access-Control-Allow-Methods"] == "POST"
                allowed = answer.headers["Access-Control-Allow-Headers"]
                assert allowed == "Authorization, Content-Type"
                assert int(answer.headers["Access-Control-Max-Age"]) > 0
                assert not await answer.read()


async def test_a_site_that_is_not_listed_is_refused_beside_those_that_are(options: WebOptions):
    async with served(replace(options, rules=Rules(origins=(SHOP,)))) as site:
        for origin in (f"{SHOP}:444", SHOP.upper(), "https://shop.example.evil.example", "null"):
            async with site.preflight(origin) as answer:
                assert answer.status == 403
                assert not cors_of(answer)
            async with site.ask(json={}, headers={"Origin": origin}) as answer:
                assert answer.status == 403
                assert not cors_of(answer)
                assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("path", ["/", "/api/config", "/healthz", "/assets/main-abc123.js"])
async def test_a_listed_site_gets_tokens_and_nothing_else(options: WebOptions, path: str):
    async with served(replace(options, rules=Rules(origins=(SHOP,)))) as site:
        answer, _ = await site.get(path, Origin=SHOP)
        page, _ = await site.get(path)

    assert answer.status == 403
    assert page.status == 200
    assert not [*cors_of(answer), *cors_of(page)]


async def test_a_listed_site_still_needs_a_host_that_is_ours(options: WebOptions):
    async with served(replace(options, rules=Rules(origins=(SHOP,)))) as site:
        status, _ = await site.post(json={}, headers={"Origin": SHOP, "Host": "evil.example"})

    assert status == 403


async def test_the_page_itself_is_not_a_listed_site(options: WebOptions):
    async with served(replace(options, rules=Rules(origins=(SHOP,)))) as site:
        async with site.ask(json={}, headers={"Origin": site.url}) as answer:
            assert answer.status == 201
            assert not cors_of(answer)
        async with site.preflight(site.url) as answer:
            assert answer.status == 405


async def test_a_password_is_asked_for_where_there_is_one(options: WebOptions):
    async with served(replace(options, rules=Rules(password=PASSWORD))) as site:
        for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": PASSWORD}):
            status, answer = await site.post(json={}, headers=given)
            assert status == 401
            assert "participant_token" not in answer
        status, _ = await site.post(json={}, headers={"Authorization": f"Bearer {PASSWORD}"})

    assert status == 201


async def test_an_address_that_asks_too_often_has_to_wait(options: WebOptions):
    async with served(replace(options, rules=Rules(calls_per_minute=2))) as site:
        given = [(await site.post(json={}))[0] for _ in range(2)]
        async with site.ask(json={}) as answer:
            refused = await answer.json()
            wait_s = int(answer.headers["Retry-After"])

    assert given == [201, 201]
    assert answer.status == 429
    assert 0 < wait_s <= 30
    assert f"in {wait_s} s" in refused["error"]


async def test_guessing_passwords_is_asking_too_often(options: WebOptions):
    rules = Rules(password=PASSWORD, calls_per_minute=2)
    async with served(replace(options, rules=rules)) as site:
        guesses = [{"Authorization": f"Bearer {guess}"} for guess in ("a", "b", PASSWORD)]
        answers = [(await site.post(json={}, headers=guess))[0] for guess in guesses]

    assert answers == [401, 401, 429]


async def test_behind_a_proxy_callers_are_told_apart_by_what_it_adds(options: WebOptions):
    async with served(replace(options, rules=Rules(calls_per_minute=1, proxies=1))) as site:
        asked_by = ["203.0.113.7", "203.0.113.8", "1.2.3.4, 203.0.113.7"]
        answers = [
            (await site.post(json={}, headers={"X-Forwarded-For": hops}))[0] for hops in asked_by
        ]

    assert answers == [201, 201, 429]


async def test_a_proxy_that_was_not_named_is_told_of_once(
    options: WebOptions, caplog: pytest.LogCaptureFixture
):
    async with served(replace(options, rules=Rules(calls_per_minute=2))) as site:
        answers = [
            (await site.post(json={}, headers={"X-Forwarded-For": f"203.0.113.{n}"}))[0]
            for n in range(3)
        ]

    assert answers == [201, 201, 429]
    assert [r.message for r in caplog.records if "AGENT_WEB_PROXIES" in r.message]
    assert len([r for r in caplog.records if r.name == "agent.web.endpoint"]) == 1


async def test_without_a_limit_nobody_waits(options: WebOptions):
    async with served(replace(options, rules=Rules(calls_per_minute=0))) as site:
        answers = {(await site.post(json={}))[0] for _ in range(50)}

    assert answers == {201}


async def test_a_token_is_good_for_ten_minutes(site: Site):
    _, answer = await site.post(json={})
    claims = jwt.decode(answer["participant_token"], SECRET, algorithms=["HS256"])

    assert claims["exp"] - claims["nbf"] == 600


async def test_no_answer_holds_the_secret_or_the_password(options: WebOptions):
    rules = Rules(password=PASSWORD, calls_per_minute=3)
    headers = {"Authorization": f"Bearer {PASSWORD}"}
    async with served(replace(options, rules=rules)) as site:
        texts = [
            (await site.get(path))[1] for path in ("/", "/api/config", "/assets/main-abc123.js")
        ]
        for body, more in (
            ({}, {}),
            ({"room_name": "bath"}, headers),
            ({}, headers),
            ({}, headers),
        ):
            texts.append(str(await site.post(json=body, headers=more)))

    assert not [text for text in texts if SECRET in text or PASSWORD in text]


async def test_the_page_itself_gets_a_token(site: Site):
    status, _ = await site.post(json={}, headers={"Origin": site.url})

    assert status == 201


async def test_an_allowed_host_may_be_used(options: WebOptions):
    async with served(replace(options, allowed_hosts=("talk.example",))) as site:
        headers = {"Host": "talk.example", "Origin": "https://talk.example"}
        status, _ = await site.post(json={}, headers=headers)

    assert status == 201


async def test_the_configuration_holds_no_secret(site: Site):
    answer, text = await site.get("/api/config")

    assert set(await answer.json()) == {"livekit_url", "agent_name", "version"}
    assert SECRET not in text


async def test_the_page_is_served_fresh_and_its_assets_for_good(site: Site):
    index, text = await site.get("/")
    asset, _ = await site.get("/assets/main-abc123.js")

    assert "<title>Parley</title>" in text
    assert index.headers["Cache-Control"] == "no-cache"
    assert "immutable" in asset.headers["Cache-Control"]
    assert asset.content_type in {"text/javascript", "application/javascript"}


async def test_every_answer_carries_the_security_headers(site: Site):
    for path in ("/", "/api/config", "/healthz", "/missing", "/assets/main-abc123.js"):
        answer, _ = await site.get(path)
        assert "connect-src 'self' ws://127.0.0.1:7880" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "microphone=(self)" in answer.headers["Permissions-Policy"]


@pytest.mark.parametrize("path", ["/secret.txt", "/assets/..%2fsecret.txt", "/assets/none.js"])
async def test_nothing_but_the_built_page_is_served(site: Site, path: str):
    answer, text = await site.get(path)

    assert answer.status == 404
    assert "not for the browser" not in text


async def test_a_token_cannot_be_had_with_get(site: Site):
    answer, _ = await site.get("/api/token")

    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"


async def test_health_is_ok(site: Site):
    _, text = await site.get("/healthz")

    assert text == "ok"


async def test_a_page_that_is_not_built_says_how_to_build_it(options: WebOptions, tmp_path: Path):
    async with served(replace(options, dist=tmp_path / "missing")) as site:
        answer, text = await site.get("/")

    assert answer.status == 503
    assert "make setup" in text
    assert "lk room join --url ws://127.0.0.1:7880" in text


async def test_a_taken_port_is_named_with_its_setting(options: WebOptions):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(WebError, match=f"Port {port} on 127.0.0.1 is taken.*AGENT_WEB_PORT"):
            await serve(replace(options, port=port))


async def test_an_address_of_another_machine_is_named(options: WebOptions):
    with pytest.raises(WebError, match="192.0.2.1.*AGENT_WEB_HOST"):
        await serve(replace(options, host="192.0.2.1"))


def test_a_livekit_url_that_is_none_is_refused(options: WebOptions):
    with pytest.raises(WebError, match="LIVEKIT_URL"):
        build_app(replace(options, livekit_url="127.0.0.1:7880"))


def test_a_missing_secret_is_refused(options: WebOptions):
    with pytest.raises(WebError, match="LIVEKIT_API_SECRET"):
        build_app(replace(options, api_secret=""))


def test_the_secret_is_not_shown_with_the_options(options: WebOptions):
    assert SECRET not in repr(options)
