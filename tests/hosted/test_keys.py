"""Keys: what cannot be one is told without asking, the rest by asking the provider."""

from __future__ import annotations

import json
import time

import pytest
from aiohttp import web

from agent.config import Settings
from agent.hosted.keys import PROVIDERS, check_key, key_of, key_problem
from tests.fakes.livekit_http import http_server
from tests.fakes.providers.faults import Fault, Kind, Plan
from tests.fakes.providers.provider import KEY
from tests.hosted.hosts import FAKES, settings_for

NAMES = tuple(PROVIDERS)
each_provider = pytest.mark.parametrize("name", NAMES)


def with_key(name: str, key: str | None) -> Settings:
    return Settings.model_validate({PROVIDERS[name].key: key})


@each_provider
@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (None, "is not set: make a key at https://"),
        ("", "is not set"),
        ("abc\n", "has a line break in it"),
        ("abc\r\ndef", "has a line break in it"),
        (" abc", "has a blank in it"),
        ("abc\tdef", "has a blank in it"),
        ("“abc”", "has a character that no key has"),
        ("abc\x00", "has a character that no key has"),
    ],
)
def test_what_cannot_be_a_key_is_told_in_one_sentence(
    name: str, key: str | None, sentence: str
) -> None:
    settings = with_key(name, key)
    problem = key_problem(PROVIDERS[name], settings)
    assert problem is not None and sentence in problem
    assert problem.startswith(PROVIDERS[name].key_variable)
    assert not key or key.strip() not in problem, "a key is never shown"
    with pytest.raises(ValueError, match="^" + PROVIDERS[name].key_variable):
        key_of(PROVIDERS[name], settings)


@each_provider
def test_a_key_is_taken_as_it_is_and_not_shown_with_the_settings(name: str) -> None:
    settings = with_key(name, KEY)
    assert key_problem(PROVIDERS[name], settings) is None
    assert key_of(PROVIDERS[name], settings) == KEY
    assert KEY not in repr(settings)


@each_provider
def test_a_server_of_ones_own_needs_no_key(name: str) -> None:
    settings = Settings.model_validate({PROVIDERS[name].url: "http://127.0.0.1:9000/v1/"})
    assert key_problem(PROVIDERS[name], settings) is None
    assert key_of(PROVIDERS[name], settings) == "none"
    assert PROVIDERS[name].address(settings) == "http://127.0.0.1:9000/v1"


async def checked(name: str, fault: Fault | None = None, *, key: str = KEY) -> str | None:
    async with FAKES[name]().running() as provider:
        if fault:
            provider.plans["keys"] = Plan.always(fault)
        return await check_key(PROVIDERS[name], settings_for(provider, key=key), timeout_s=0.5)


@each_provider
async def test_a_provider_that_takes_the_key_leaves_nothing_to_say(name: str) -> None:
    assert await checked(name) is None


@each_provider
async def test_a_wrong_key_is_told_with_where_to_get_another_one(name: str) -> None:
    problem = await checked(name, key="wrong-key")
    assert problem is not None
    assert f"refuses the key in {PROVIDERS[name].key_variable} (status 401)" in problem
    assert PROVIDERS[name].page in problem
    assert "wrong-key" not in problem


@each_provider
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault(kind=Kind.STALL), "did not answer within 0.5 s"),
        (Fault(kind=Kind.HALF_OPEN), "did not answer within 0.5 s"),
        (Fault(kind=Kind.HTML), "something that is not its API"),
        (Fault(kind=Kind.RESET), "cannot be reached"),
        (Fault(kind=Kind.STATUS, status=429, retry_after_s=9), "no more requests"),
        (Fault(kind=Kind.STATUS, status=500), "answers with status 500"),
    ],
)
async def test_every_other_answer_is_told_in_a_sentence_in_time(
    name: str, fault: Fault, sentence: str
) -> None:
    started_s = time.monotonic()
    problem = await checked(name, fault)
    assert problem is not None and sentence in problem
    assert time.monotonic() - started_s < 2


async def test_a_key_that_may_do_nothing_is_refused_one_for_other_requests_is_not() -> None:
    forbidden = Fault(kind=Kind.STATUS, status=403)
    assert "refuses the key" in (await checked("deepgram", forbidden) or "")
    assert await checked("elevenlabs", forbidden) is None, "it says missing_permissions"


@pytest.mark.parametrize("count", [3, 3_000])
async def test_a_list_of_any_length_is_an_answer(count: int) -> None:
    async def models(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        text = json.dumps({"data": [{"id": f"model number {number}"} for number in range(count)]})
        for start in range(0, len(text), 5_000):
            await response.write(text[start : start + 5_000].encode())
        return response

    app = web.Application()
    app.router.add_get("/models", models)
    async with http_server(app) as url:
        settings = Settings.model_validate({"openai_base_url": url, "openai_api_key": KEY})
        assert await check_key(PROVIDERS["openai"], settings) is None


async def test_the_key_does_not_follow_a_redirect() -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/login")

    app = web.Application()
    app.router.add_get("/models", elsewhere)
    async with http_server(app) as url:
        settings = Settings.model_validate({"openai_base_url": url, "openai_api_key": KEY})
        assert "not its API" in (await check_key(PROVIDERS["openai"], settings) or "")


@each_provider
async def test_a_provider_that_is_not_there_is_told(name: str) -> None:
    async with FAKES[name]().running() as provider:
        await provider.go_down()
        problem = await check_key(PROVIDERS[name], settings_for(provider), timeout_s=0.5)
    assert problem is not None
    assert "cannot be reached" in problem and PROVIDERS[name].url_variable in problem


async def test_a_key_with_a_line_break_is_sent_to_nobody() -> None:
    async with FAKES["openai"]().running() as provider:
        problem = await check_key(PROVIDERS["openai"], settings_for(provider, key="a\nb"))
        assert provider.plans["keys"].taken == 0
    assert problem is not None and "line break" in problem
