"""What asking a second language model early costs, and what it saves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from random import Random
from typing import Any

from livekit.agents import llm, utils
from livekit.plugins.chains import Breakers, ChainLLM, Hedged, Member
from livekit.plugins.chains.events import ChainEvent

from agent.chained import HOSTED_S
from agent.config import Settings
from agent.engine_spec import EngineSpec
from agent.hosted.openai import openai_llm
from evals.chaos.lines import reply_to, settings_of
from evals.ear.metrics import percentile
from tests.chaos.providers import FIRST_MODEL, SECOND_MODEL, running_providers

MEDIAN_S, SIGMA = 0.35, 0.4
TAIL_SHARE, TAIL_S = 0.05, 3.0
_BETWEEN_TURNS_S = 8.0
"""Of a caller's time: the breakers' clock goes on by it with each question."""
_LINES = 8
_ALONE = "one engine"

WAYS: dict[str, float | None] = {
    _ALONE: None,
    "AGENT_HEDGE_S unset": None,
    "AGENT_HEDGE_S=0.5": 0.5,
    "AGENT_HEDGE_S=0.35": 0.35,
    "AGENT_HEDGE_S=0.2": 0.2,
    "AGENT_HEDGE_S=0": 0.0,
}


def latency_of(random: Random) -> Callable[[], float]:
    """Seconds to the first token: log-normal, and now and then three seconds."""

    def draw_s() -> float:
        if random.random() < TAIL_SHARE:
            return TAIL_S
        return MEDIAN_S * random.lognormvariate(0.0, SIGMA)

    return draw_s


async def hedging(count: int, on_answer: Callable[[], None]) -> dict[str, Any]:
    """First token, p50 and p95, and requests to each question, for every way of asking."""
    results: dict[str, Any] = {}
    async with utils.http_context.open(), running_providers("deepgram first") as providers:
        providers.openai.reply = reply_to
        settings = settings_of(providers)
        for way, hedge_s in WAYS.items():
            providers.openai.latency_s = latency_of(Random(6))
            providers.openai.asked.clear()
            asking = _Asking(settings, hedge_s, is_alone=way == _ALONE)
            times_s = sorted(await asking.ask(count, on_answer))
            requests = len(providers.openai.asked)
            results[way] = {
                "n": len(times_s),
                "failed": count - len(times_s),
                "first_token_p50_s": percentile(times_s, 0.5),
                "first_token_p95_s": percentile(times_s, 0.95),
                "first_token_p99_s": percentile(times_s, 0.99),
                "extra_requests": requests / count - 1,
                "wasted_tokens": asking.wasted_tokens / count,
            }
    return results


class _Asking:
    def __init__(self, settings: Settings, hedge_s: float | None, *, is_alone: bool) -> None:
        self.wasted_tokens = 0
        self._settings = settings
        self._hedge_s = hedge_s
        self._models = (FIRST_MODEL,) if is_alone else (FIRST_MODEL, SECOND_MODEL)
        self._is_alone = is_alone

    async def ask(self, count: int, on_answer: Callable[[], None]) -> list[float]:
        times_s: list[float] = []
        numbers = iter(range(count))

        async def line() -> None:
            engines = [
                openai_llm(self._settings, EngineSpec(name="openai", model=model))
                for model in self._models
            ]
            asked = 0
            breakers = Breakers(clock=lambda: asked * _BETWEEN_TURNS_S)
            members = [
                Member(model, engine, HOSTED_S["llm"])
                for model, engine in zip(self._models, engines, strict=True)
            ]
            chain: llm.LLM[Any] = ChainLLM(
                members, breakers, hedge_s=self._hedge_s, on_event=self._heard
            )
            for _ in numbers:
                asked += 1
                first_s = await _first_token_s(engines[0] if self._is_alone else chain)
                if first_s is not None:
                    times_s.append(first_s)
                on_answer()
            await chain.aclose()
            for engine in engines:
                await engine.aclose()

        async with asyncio.TaskGroup() as group:
            for _ in range(_LINES):
                group.create_task(line(), name="chaos.hedge")
        return times_s

    def _heard(self, event: ChainEvent) -> None:
        if isinstance(event, Hedged):
            self.wasted_tokens += event.wasted_tokens


async def _first_token_s(engine: llm.LLM[Any]) -> float | None:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="please tell me about the river")
    begun_s = time.monotonic()
    first_s: float | None = None
    async with engine.chat(chat_ctx=context) as stream:
        async for chunk in stream:
            if first_s is None and chunk.delta and chunk.delta.content:
                first_s = time.monotonic() - begun_s
    return first_s
