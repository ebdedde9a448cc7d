"""A chain of scripted language models, and what somebody hears who asks it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import APIConnectionError, APIConnectOptions, llm
from livekit.plugins.chains import Breakers, ChainLLM, FaultKind, Member, Switched
from livekit.plugins.chains.events import ChainEvent

from tests.contract.llm_checks import question, text_of

from .scripted_llm import ScriptedLLM, words

DEADLINE_S = 0.7
STORY = "Once upon a time there was a fox."
HEALTHY = words(STORY)
CUT = words("Once upon a time")
DEAD = APIConnectionError("dead")


@dataclass
class Chain:
    chain: ChainLLM
    engines: list[ScriptedLLM]
    events: list[ChainEvent]
    breakers: Breakers
    errors: list[Any] = field(default_factory=list)

    async def ask(self, **options: Any) -> Heard:
        loop = asyncio.get_running_loop()
        heard = Heard(loop.time())
        conn_options = options.pop("conn_options", APIConnectOptions(timeout=10.0))
        options.setdefault("chat_ctx", question())
        stream = self.chain.chat(conn_options=conn_options, **options)
        async with stream:
            async for chunk in stream:
                heard.chunks.append(chunk)
                heard.at_s.append(loop.time() - heard.begun_s)
        return heard

    def switches(self) -> list[tuple[str, str | None, FaultKind, int]]:
        return [
            (event.source, event.to, event.fault.kind, event.words)
            for event in self.events
            if isinstance(event, Switched)
        ]


@dataclass
class Heard:
    begun_s: float
    chunks: list[llm.ChatChunk] = field(default_factory=list)
    at_s: list[float] = field(default_factory=list)

    @property
    def text(self) -> str:
        return text_of(self.chunks)

    @property
    def longest_silence_s(self) -> float:
        times_s = [0.0, *self.at_s]
        return max(b - a for a, b in zip(times_s, times_s[1:], strict=False))


@asynccontextmanager
async def chain_of(*engines: ScriptedLLM, **options: Any) -> AsyncIterator[Chain]:
    events: list[ChainEvent] = []
    breakers = Breakers(on_event=events.append, chance=lambda: 0.5)
    members = [
        Member(str(number), engine, DEADLINE_S) for number, engine in enumerate(engines, start=1)
    ]
    chain = ChainLLM(members, breakers, on_event=events.append, **options)
    made = Chain(chain, list(engines), events, breakers)
    chain.on("error", made.errors.append)
    try:
        yield made
    finally:
        await chain.aclose()
        await chain.aclose()
