"""The token endpoint: whatever is sent, it answers a token or one sentence."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import jwt
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from agent.config import Settings
from agent.web.address import caller_address, rate_key
from agent.web.cors import cors_headers, is_listed
from agent.web.guard import content_security_policy, host_name, is_known_host, is_own_origin
from agent.web.hook import HookFault, NotPermitted, permission, question
from agent.web.settings import check_origin
from agent.web.tokens import (
    Rules,
    TokenRequestError,
    build_token,
    fill_in,
    parse_request,
)
from tests.fuzz.anything import any_text, any_value, anything, objects

SECRET = "a-secret-of-at-least-32-characters-for-tests"
FIELDS = (
    *("room_name", "participant_identity", "participant_name"),
    *("participant_metadata", "participant_attributes", "room_config"),
)
EXAMPLE = {
    "room_name": "kitchen",
    "participant_identity": "ann",
    "participant_attributes": {"tier": "gold"},
    "room_config": {"agents": [{"agent_name": "parley", "metadata": '{"voice": "low"}'}]},
}
agents = st.lists(objects(["agent_name", "metadata"]), max_size=2)
bodies = objects(FIELDS, any_value | st.builds(lambda it: {"agents": it}, agents))
rules = st.builds(
    Rules,
    rooms=st.lists(any_text, max_size=2).map(tuple),
    choices=st.frozensets(st.sampled_from(["voice", "profile"])),
)


def is_one_sentence(text: str) -> bool:
    return "\n" not in text and text.endswith(".") and len(text) < 300


def check(body: Any, rules: Rules) -> None:
    try:
        request = fill_in(parse_request(body, agent_name="parley", rules=rules))
    except TokenRequestError as e:
        assert is_one_sentence(str(e))
        return
    token = build_token(
        request,
        api_key="key",
        api_secret=SECRET,
        ttl_s=600,
        agent_name="parley",
        agent_metadata=None,
    )
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert claims["video"]["room"] == request.room_name != ""
    assert claims["sub"] == request.identity != ""
    assert "roomAdmin" not in claims["video"] and "roomCreate" not in claims["video"]
    metadata = json.loads(claims["roomConfig"]["agents"][0].get("metadata") or "{}")
    assert set(metadata) <= rules.choices


@given(anything(FIELDS, json.dumps(EXAMPLE).encode()), rules)
def test_any_body_gets_a_token_within_the_rules_or_a_sentence(body: bytes, rules: Rules) -> None:
    try:
        decoded = json.loads(body)
    except (ValueError, RecursionError):  # answered by the server before
        return
    check(decoded, rules)


@given(bodies, rules)
def test_any_object_gets_a_token_within_the_rules_or_a_sentence(body: Any, rules: Rules) -> None:
    check(body, rules)


headers = st.text(st.characters(codec="latin-1"), max_size=60)
addresses = st.ip_addresses().map(str)
hops = st.lists(st.lists(addresses | headers, max_size=4).map(", ".join), max_size=3)


@given(headers | addresses, headers)
def test_any_host_and_origin_are_judged(host: str, origin: str) -> None:
    name = host_name(host)
    assert is_known_host(name, host="10.0.0.5", allowed_hosts=("talk.example",)) in (True, False)
    assert is_own_origin(
        origin, scheme="http", host_header=host, allowed_hosts=("talk.example",)
    ) == (origin.lower() in {f"http://{host}".lower(), *_behind_proxy(name, host)})


def _behind_proxy(name: str, host: str) -> set[str]:
    return {f"https://{host}".lower()} if name == "talk.example" else set()


@given(st.none() | addresses | headers, hops, st.integers(0, 3))
def test_any_address_has_a_key_that_is_an_address_or_nothing(
    peer: str | None, hops: list[str], proxies: int
) -> None:
    key = rate_key(peer, hops, proxies=proxies)
    assert not key or ipaddress.ip_network(key)


@given(addresses, st.lists(headers, max_size=3).map(", ".join), addresses)
def test_nothing_before_what_the_proxy_adds_counts(peer: str, forged: str, caller: str) -> None:
    sent = [forged, caller] if forged else [caller]
    assert rate_key(peer, [", ".join(sent)], proxies=1) == rate_key(caller, [], proxies=0)


@given(any_text)
def test_any_address_of_a_server_makes_a_policy_or_a_value_error(url: str) -> None:
    try:
        policy = content_security_policy(url)
    except ValueError:
        return
    assert policy.count(";") == 8
    assert policy.isascii() or not url.isascii()


sent = st.text(st.characters(), max_size=60)


@given(st.lists(sent, max_size=2), st.lists(sent, max_size=3), hops, sent)
def test_whatever_a_caller_sends_the_hook_gets_headers_or_they_a_sentence(
    logins: list[str], cookies: list[str], hops: list[str], query: str
) -> None:
    try:
        headers = question(
            authorizations=logins,
            cookies=cookies,
            address=caller_address("10.0.0.1", hops, proxies=1),
            scheme="https",
            host="talk.example",
            query=query,
        )
    except TokenRequestError as e:
        assert is_one_sentence(str(e))
        return
    for name, text in headers.items():
        assert not set(text) & set("\r\n\0")
        assert name != "X-Forwarded-Host" or text == "talk.example"
        text.encode()


named = st.dictionaries(st.sampled_from(["X-Parley-Identity", "X-Parley-Name"]), sent)


@given(st.integers(100, 999), named)
def test_any_answer_of_the_hook_is_a_caller_who_may_be_or_none(
    status: int, headers: dict[str, str]
) -> None:
    try:
        caller = permission(status, headers)
    except NotPermitted as e:
        assert e.status == status in (401, 403)
    except HookFault as e:
        assert "\n" not in str(e) and len(str(e)) < 300
    else:
        assert 200 <= status < 300
        assert (caller.identity + caller.name).isprintable()
        assert not caller.identity.startswith("agent-")


parts = st.sampled_from(
    ["https://", "http://", "shop", ".", ":", "80", "/", "@", "[", "::1", "]", "*"]
)
urls = st.lists(parts | any_text, max_size=8).map("".join)


@given(urls)
@example("http://shop:/")
@example("http://[::1]:80")
def test_any_address_of_a_hook_can_be_asked_or_is_refused(url: str) -> None:
    try:
        kept = Settings(agent_web_auth_url=url).agent_web_auth_url
    except ValueError:
        return
    assert kept == url
    asked = URL(url)
    assert asked.scheme in {"http", "https"} and asked.host and asked.port
    assert asked.user is None and asked.password is None


@given(urls, urls)
@example("https://shop:80", "https://shop:80")
def test_any_origin_is_one_that_a_browser_writes_or_is_refused(listed: str, origin: str) -> None:
    try:
        check_origin(listed)
    except ValueError as e:
        assert "\n" not in str(e)
        return
    assert str(URL(listed).origin()) == listed.lower() == listed
    headers = cors_headers(origin, "/api/token", origins=(listed,), with_cookies=True)
    assert is_listed(origin, "/api/token", (listed,)) is (origin == listed)
    assert headers.get("Access-Control-Allow-Origin") == (listed if origin == listed else None)
