"""A hosted recogniser with a fault of its provider, in a chain: the caller's words come once, in time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from livekit.agents import stt
from livekit.plugins.chains import Member
from livekit.plugins.chains.stt import ChainSTT

from tests.fakes.audio import BED_DBFS, frames, noise
from tests.fakes.providers.coded_speech import say
from tests.fakes.providers.faults import Plan
from tests.hosted.stock import FAULTS, PORT_CLOSED, STOCK

pytestmark = pytest.mark.usefixtures("http")

DEADLINE_S = 0.7
TRIED = (
    PORT_CLOSED,
    "401",
    "429",
    "HTML with 200",
    "stall",
    "half-open",
    "first: dropped (1006)",
    "first: stall",
    "first: 10 MB line",
    "midway: reset",
    "midway: stall",
    "midway: truncated",
    "nothing but empty",
    "slow drip",
)
FIRST = "what time is it now"
SECOND = "please tell me once more"
_RATE_HZ = 16_000
_FRAME_S = 0.05
_LONGEST_S = 2 * DEADLINE_S + 1.0
"""From a flush to its FINAL; this machine may be busy."""


@dataclass
class Caller:
    """Says something, flushes, and waits for the words."""

    stream: stt.RecognizeStream
    finals: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        async for event in self.stream:
            if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
                self.finals.append(event.alternatives[0].text)
                self.news.set()

    async def say(self, text: str) -> bool:
        """Whether there is a FINAL in time."""
        await self._push(say(text, _RATE_HZ) + noise(0.3, BED_DBFS, _RATE_HZ))
        self.news.clear()
        self.stream.flush()
        try:
            async with asyncio.timeout(_LONGEST_S):
                await self.news.wait()
        except TimeoutError:
            return False
        await self._push(noise(0.5, BED_DBFS, _RATE_HZ))
        return True

    async def _push(self, pcm: bytes) -> None:
        for frame in frames(pcm, _RATE_HZ, frame_ms=round(_FRAME_S * 1000)):
            self.stream.push_frame(frame)
            await asyncio.sleep(_FRAME_S)

    @property
    def text(self) -> str:
        return " ".join(filter(None, self.finals))


async def heard(name: str, fault: str | None) -> str:
    """What a chain of the engine and a healthy one of another provider hears of two turns."""
    stock = STOCK[name]
    other = STOCK["Nova" if name.startswith("OpenAI") else "OpenAI transcriptions"]
    async with stock.provider().running() as provider, other.provider().running() as healthy:
        if fault == PORT_CLOSED:
            await provider.go_down()
        elif fault and (meant := FAULTS[fault]):
            provider.plans[stock.service] = Plan.always(meant)
        engines = [stock.make(provider), other.make(healthy)]
        members = [Member(str(place), it, DEADLINE_S) for place, it in enumerate(engines)]
        async with ChainSTT(members) as chain, chain.stream() as stream:
            caller = Caller(stream)
            listening = asyncio.create_task(caller.listen())
            in_time = [await caller.say(text) for text in (FIRST, SECOND)]
            stream.end_input()
            await listening
    for engine in engines:
        await engine.aclose()
    return caller.text if all(in_time) else f"late: {caller.text}"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["Nova", "Flux", "OpenAI realtime STT", "OpenAI transcriptions"])
async def test_a_provider_fault_loses_no_word(name: str) -> None:
    said = await asyncio.gather(*[heard(name, fault) for fault in (None, *TRIED)])
    wrong = {
        fault: text
        for fault, text in zip((None, *TRIED), said, strict=True)
        if text != f"{FIRST} {SECOND}"
    }
    assert not wrong
