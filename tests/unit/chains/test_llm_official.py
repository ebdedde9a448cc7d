"""A chain over livekit's own OpenAI plugin, and what its stream does not tell by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import openai
import pytest
from livekit.agents import APIConnectOptions, function_tool, llm
from livekit.plugins import openai as openai_plugin
from livekit.plugins.chains import Breakers, ChainLLM, Fault, FaultKind, Member, Switched
from livekit.plugins.chains.events import ChainEvent

from tests.contract.llm_checks import ask, calls_of, question, text_of
from tests.fakes.llama_http import LLAMA_URL, FakeLlama, Reply, called, spoken
from tests.fakes.scripted_llm import HANG, ScriptedLLM, words

pytestmark = pytest.mark.virtual_time

STORY = "Once upon a time there was a fox."
TORN = '{"place": "a very long way away"'
ONCE = APIConnectOptions(max_retry=0, timeout=10.0)


@function_tool
async def get_time(place: str) -> str:
    """Tells the time."""
    return "It is a quarter past seven."


class Chain:
    """The official plugin first, a member that works second."""

    def __init__(self, http: httpx2.AsyncClient, key: str, hedge_s: float | None) -> None:
        self.events: list[ChainEvent] = []
        self.second = ScriptedLLM(words(STORY))
        client = openai.AsyncClient(
            api_key=key, base_url=f"{LLAMA_URL}/v1", max_retries=0, http_client=http
        )
        self.breakers = Breakers(on_event=self.events.append, chance=lambda: 0.0)
        members = [
            Member("openai", openai_plugin.LLM(model="gpt-4.1-mini", client=client), 0.7),
            Member("second", self.second, 0.7),
        ]
        self.llm = ChainLLM(members, self.breakers, hedge_s=hedge_s, on_event=self.events.append)

    @property
    def faults(self) -> list[Fault]:
        return [event.fault for event in self.events if isinstance(event, Switched)]

    async def ask(self) -> list[llm.ChatChunk]:
        return await ask(self.llm, question(), tools=[get_time], conn_options=ONCE)


@asynccontextmanager
async def chain_over(
    transport: httpx2.AsyncBaseTransport, *, key: str = "none", hedge_s: float | None = None
) -> AsyncIterator[Chain]:
    async with httpx2.AsyncClient(transport=transport, timeout=5.0) as http:
        chain = Chain(http, key, hedge_s)
        try:
            yield chain
        finally:
            await chain.llm.aclose()


def server(*replies: Reply) -> FakeLlama:
    return FakeLlama(replies, is_llama=False)


@pytest.mark.parametrize("hedge_s", [None, 0.3])
async def test_a_tool_call_that_takes_seconds_to_write_is_no_silence(
    hedge_s: float | None,
) -> None:
    reply = called("get_time", '{"place"', ": ", '"far', " away", '"}', pace_s=0.9)
    async with chain_over(server(reply), hedge_s=hedge_s) as chain:
        calls = calls_of(await chain.ask())
        assert [(call.name, call.arguments) for call in calls] == [
            ("get_time", '{"place": "far away"}')
        ]
        assert chain.second.asked == [] and chain.events == []


async def test_a_tool_call_that_grows_no_more_is_left_to_the_next_member() -> None:
    reply = called("get_time", TORN, pace_s=HANG)
    async with chain_over(server(reply)) as chain:
        begun_s = asyncio.get_running_loop().time()
        chunks = await chain.ask()
        assert text_of(chunks) == STORY and calls_of(chunks) == []
        assert [fault.kind for fault in chain.faults] == [FaultKind.TIMEOUT]
        # A second of silence, seen within a tenth; no deadline comes before it.
        assert asyncio.get_running_loop().time() - begun_s == pytest.approx(1.25, abs=0.1)


@pytest.mark.parametrize("finish", ["stop", "length"])
async def test_a_tool_call_without_its_end_is_never_passed_on(finish: str) -> None:
    async with chain_over(server(called("get_time", TORN, finish=finish, pace_s=0.01))) as chain:
        chunks = await chain.ask()
        assert text_of(chunks) == STORY and calls_of(chunks) == []
        assert [fault.kind for fault in chain.faults] == [FaultKind.PROTOCOL]


async def test_a_connection_that_breaks_in_mid_answer_is_a_seam_nobody_hears() -> None:
    reply = spoken("Once ", "upon ", "a ", "ti", pace_s=0.01, breaks_off=True)
    async with chain_over(server(reply)) as chain:
        assert text_of(await chain.ask()) == STORY
        assert [fault.kind for fault in chain.faults] == [FaultKind.UNREACHABLE]


def answering(status: int, content: bytes, **headers: str) -> httpx2.MockTransport:
    return httpx2.MockTransport(
        lambda request: httpx2.Response(status, content=content, headers=headers)
    )


HUGE = b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"'
BODIES = [
    pytest.param(b"<html><body>Welcome</body></html>", id="a web page"),
    pytest.param(b'{"hello": "there"}', id="some other JSON"),
    pytest.param(b"data: {nonsense}\n\n", id="an event that is no JSON"),
    pytest.param(HUGE + b"x" * 10_000_000 + b'"}}]}\n\n', id="ten megabytes in one line"),
    pytest.param(b"", id="nothing"),
]


@pytest.mark.parametrize("body", BODIES)
async def test_a_200_without_an_answer_in_it_is_a_fault_of_the_protocol(body: bytes) -> None:
    async with chain_over(answering(200, body)) as chain:
        assert text_of(await chain.ask()) == STORY
        assert [fault.kind for fault in chain.faults] == [FaultKind.PROTOCOL]


async def test_a_rate_limit_is_kept_as_long_as_the_headers_say() -> None:
    transport = answering(429, b'{"error": {"message": "slow down"}}', **{"Retry-After": "7"})
    async with chain_over(transport) as chain:
        assert text_of(await chain.ask()) == STORY
        assert chain.faults[0].kind is FaultKind.RATE_LIMIT
        assert chain.breakers.of("openai").probe_in_s() == pytest.approx(7.0, abs=0.5)


async def test_a_key_that_is_refused_is_not_quoted(caplog: pytest.LogCaptureFixture) -> None:
    body = b'{"error": {"message": "Incorrect API key provided: sk-verysecret"}}'
    async with chain_over(answering(401, body), key="sk-verysecret") as chain:
        assert text_of(await chain.ask()) == STORY
        assert chain.faults == [Fault(FaultKind.KEY, "does not take the key (status 401)")]
    assert "verysecret" not in caplog.text
