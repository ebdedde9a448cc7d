"""agent.web.hook: what the auth hook is asked, and what its answer means."""

from __future__ import annotations

from typing import Any

import pytest

from agent.web.hook import HookFault, NotPermitted, Permission, permission, question
from agent.web.rules import TokenRequestError


def asked(**changes: Any) -> dict[str, str]:
    request: dict[str, Any] = {
        "authorizations": [],
        "cookies": [],
        "address": "203.0.113.7",
        "scheme": "https",
        "host": "talk.example",
        "query": "",
    }
    return question(**request | changes)


def test_the_hook_is_told_who_asks_for_what() -> None:
    assert asked(authorizations=["Bearer mine"], cookies=["a=1; b=2"], query="room=lobby") == {
        "Accept": "application/json",
        "Authorization": "Bearer mine",
        "Cookie": "a=1; b=2",
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "talk.example",
        "X-Forwarded-Method": "POST",
        "X-Forwarded-Uri": "/api/token?room=lobby",
    }


def test_what_a_caller_does_not_send_the_hook_is_not_sent() -> None:
    assert not {"Authorization", "Cookie", "X-Forwarded-For"} & set(asked(address=""))


def test_several_cookie_headers_are_one_and_several_logins_are_none() -> None:
    assert asked(cookies=["a=1", "b=2"])["Cookie"] == "a=1; b=2"
    with pytest.raises(TokenRequestError, match="one Authorization"):
        asked(authorizations=["Bearer mine", "Bearer another's"])


@pytest.mark.parametrize("text", ["a\r\nX-Forwarded-For: 10.0.0.1", "a\nb", "a\x00", "\udcff"])
def test_what_is_no_header_is_not_passed_on(text: str) -> None:
    for field in ("authorizations", "cookies"):
        with pytest.raises(TokenRequestError, match="UTF-8 text without control characters"):
            asked(**{field: [text]})


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_two_hundred_and_something_lets_in(status: int) -> None:
    assert permission(status, {"Remote-User": "ann"}) == Permission()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_a_sentence_for_the_caller(status: int) -> None:
    with pytest.raises(NotPermitted) as refused:
        permission(status, {"X-Parley-Name": "Ann"})
    assert refused.value.status == status
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("status", [101, 199, 300, 302, 304, 400, 402, 404, 429, 500, 503, 999])
def test_any_other_answer_is_none(status: int) -> None:
    with pytest.raises(HookFault, match=f"answers {status}"):
        permission(status, {})


def test_the_hook_may_name_the_caller() -> None:
    headers = {"X-Parley-Identity": "ann@example.org", "X-Parley-Name": "Ann Müller"}
    assert permission(200, headers) == Permission(identity="ann@example.org", name="Ann Müller")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Parley-Identity": "agent-7"},
        {"X-Parley-Identity": "x" * 129},
        {"X-Parley-Name": "zero\u200bwidth"},
        {"X-Parley-Name": "M\udcfcller"},
    ],
)
def test_the_hook_names_nobody_whom_a_caller_could_not_be(headers: dict[str, str]) -> None:
    with pytest.raises(HookFault, match="cannot be: "):
        permission(200, headers)
