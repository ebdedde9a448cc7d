"""Whatever an engine raises is told apart, in words of ours."""

from __future__ import annotations

import json

import aiohttp
import httpx2 as httpx
import openai
import pytest
from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError
from livekit.plugins.chains import FaultKind, GarbageError, classify
from livekit.plugins.speechcore import EngineBusy, EngineError, EngineTimeout
from livekit.plugins.speechio import to_api_error
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

SECRET = "sk-verysecret"


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def cut_off(error: Exception, context: Exception) -> Exception:
    """As `raise error from None` in the midst of handling `context`."""
    error.__context__ = context
    error.__suppress_context__ = True
    return error


def refused_by_openai(status: int, headers: dict[str, str]) -> openai.APIStatusError:
    response = httpx.Response(
        status, headers=headers, request=httpx.Request("POST", "http://127.0.0.1/v1")
    )
    return openai.APIStatusError(f"Incorrect API key {SECRET}", response=response, body=None)


def refused_handshake(status: int, headers: dict[str, str]) -> aiohttp.WSServerHandshakeError:
    url = URL("ws://127.0.0.1/listen")
    none: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())
    request = aiohttp.RequestInfo(url, "GET", none, url)
    return aiohttp.WSServerHandshakeError(
        request, (), status=status, message="no", headers=CIMultiDict(headers)
    )


CASES = [
    (APIStatusError("no", status_code=401), FaultKind.KEY),
    (APIStatusError("no", status_code=403), FaultKind.KEY),
    (APIStatusError("no", status_code=402), FaultKind.KEY),
    (APIStatusError("no", status_code=429), FaultKind.RATE_LIMIT),
    (APIStatusError("no", status_code=400), FaultKind.PROTOCOL),
    (APIStatusError("no", status_code=404), FaultKind.PROTOCOL),
    (APIStatusError("no", status_code=408), FaultKind.TIMEOUT),
    (APIStatusError("no", status_code=500), FaultKind.OTHER),
    (APIStatusError("no", status_code=503), FaultKind.UNREACHABLE),
    (APIStatusError("no", status_code=504), FaultKind.TIMEOUT),
    (APIStatusError("closed", status_code=-1), FaultKind.OTHER),
    (APITimeoutError(), FaultKind.TIMEOUT),
    (TimeoutError(), FaultKind.TIMEOUT),
    (caused(APIConnectionError(), httpx.ReadTimeout("late")), FaultKind.TIMEOUT),
    (APIConnectionError(), FaultKind.UNREACHABLE),
    (caused(APIConnectionError(), ConnectionRefusedError(111, "no")), FaultKind.UNREACHABLE),
    (caused(APIConnectionError(), httpx.ConnectError("no")), FaultKind.UNREACHABLE),
    (caused(APIConnectionError(), refused_handshake(401, {})), FaultKind.KEY),
    (caused(APIConnectionError(), json.JSONDecodeError("x", "<html>", 0)), FaultKind.PROTOCOL),
    (caused(APIConnectionError(), KeyError("choices")), FaultKind.PROTOCOL),
    (GarbageError("it answered with a web page"), FaultKind.PROTOCOL),
    (caused(APIConnectionError(), RuntimeError("onnx says no")), FaultKind.UNREACHABLE),
    (RuntimeError("onnx says no"), FaultKind.OTHER),
    (APIError("no audio frames were pushed"), FaultKind.OTHER),
    (EngineBusy("every worker is taken"), FaultKind.BUSY),
    (caused(to_api_error(EngineBusy("full")), EngineBusy("full")), FaultKind.BUSY),
    (caused(to_api_error(EngineTimeout("late")), EngineTimeout("late")), FaultKind.TIMEOUT),
    (caused(to_api_error(EngineError("no model")), EngineError("no model")), FaultKind.OTHER),
    (
        caused(APIConnectionError(), httpx.LocalProtocolError(f"Illegal header value b'{SECRET}'")),
        FaultKind.KEY,
    ),
    (
        caused(APIConnectionError(), ValueError("Newline or carriage return in headers.")),
        FaultKind.KEY,
    ),
]


@pytest.mark.parametrize(("error", "kind"), CASES, ids=lambda value: repr(value)[:60])
def test_an_error_is_of_its_kind(error: Exception, kind: FaultKind) -> None:
    fault = classify(error)
    assert fault.kind is kind
    assert fault.message and SECRET not in fault.message and "\n" not in fault.message


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"Retry-After-Ms": "1500", "Retry-After": "2"}, 1.5),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        (
            {
                "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT",
                "Date": "Wed, 21 Oct 2026 07:27:30 GMT",
            },
            30.0,
        ),
        (
            {
                "Retry-After": "Wed, 21 Oct 2026 07:27:00 GMT",
                "Date": "Wed, 21 Oct 2026 07:27:30 GMT",
            },
            0.0,
        ),
        ({"Retry-After": "soon", "Date": "Wed, 21 Oct 2026 07:27:30 GMT"}, None),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "inf"}, None),
        ({}, None),
    ],
)
def test_a_rate_limit_says_how_long_it_lasts(headers: dict[str, str], wait_s: float | None) -> None:
    by_http = cut_off(APIStatusError("no", status_code=429), refused_by_openai(429, headers))
    by_socket = caused(APIConnectionError(), refused_handshake(429, headers))
    for error in (by_http, by_socket):
        fault = classify(error)
        assert (fault.kind, fault.retry_after_s) == (FaultKind.RATE_LIMIT, wait_s)


def test_a_providers_words_are_not_repeated() -> None:
    error = cut_off(
        APIStatusError(f"key {SECRET}", status_code=401, body={"said": "my secret"}),
        refused_by_openai(401, {}),
    )
    assert classify(error).message == "does not take the key (status 401)"


def test_errors_that_come_from_each_other_in_a_circle_are_read_once() -> None:
    one, two = APIConnectionError("one"), APIConnectionError("two")
    one.__cause__, two.__cause__ = two, one
    assert classify(one).kind is FaultKind.UNREACHABLE
