"""The official plugins as they come, each on its fake provider; and the faults they are tried with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from livekit.plugins import deepgram, elevenlabs, openai

from tests.fakes.providers import deepgram as fake_deepgram
from tests.fakes.providers import elevenlabs as fake_elevenlabs
from tests.fakes.providers import openai as fake_openai
from tests.fakes.providers.faults import Fault, Kind, Plan
from tests.fakes.providers.provider import FakeProvider
from tests.hosted.trials import Outcome, ask, listen, recognise, speak


@dataclass(frozen=True)
class Stock:
    """One engine of an official plugin."""

    provider: type[FakeProvider]
    service: str
    make: Callable[[Any], Any]
    """From the running provider."""
    trial: Callable[[Any], Awaitable[Outcome]]


def _nova(on: fake_deepgram.FakeDeepgram) -> deepgram.STT:
    return deepgram.STT(api_key=on.key, base_url=f"{on.url}/v1/listen")


def _flux(on: fake_deepgram.FakeDeepgram) -> deepgram.STTv2:
    return deepgram.STTv2(api_key=on.key, base_url=f"{on.url}/v2/listen", eager_eot_threshold=0.5)


class OpenAISTT(openai.STT):
    async def aclose(self) -> None:
        """Its HTTP client, too, which the plugin leaves open."""
        await super().aclose()
        await self._client.close()


def _realtime(on: fake_openai.FakeOpenAI) -> openai.STT:
    return OpenAISTT(api_key=on.key, base_url=on.api_url, use_realtime=True)


def _transcriptions(on: fake_openai.FakeOpenAI) -> openai.STT:
    return OpenAISTT(api_key=on.key, base_url=on.api_url)


def _chat(on: fake_openai.FakeOpenAI) -> openai.LLM:
    return openai.LLM(api_key=on.key, base_url=on.api_url)


def _speech(on: fake_openai.FakeOpenAI) -> openai.TTS:
    return openai.TTS(api_key=on.key, base_url=on.api_url, response_format="pcm")


def _eleven(on: fake_elevenlabs.FakeElevenLabs) -> elevenlabs.TTS:
    return elevenlabs.TTS(api_key=on.key, base_url=on.api_url, encoding="pcm_24000")


_DEEPGRAM, _OPENAI = fake_deepgram.FakeDeepgram, fake_openai.FakeOpenAI

STOCK = {
    "Nova": Stock(_DEEPGRAM, fake_deepgram.LISTEN, _nova, listen),
    "Flux": Stock(_DEEPGRAM, fake_deepgram.LISTEN, _flux, listen),
    "Nova, recorded": Stock(_DEEPGRAM, fake_deepgram.LISTEN, _nova, recognise),
    "OpenAI realtime STT": Stock(_OPENAI, fake_openai.REALTIME, _realtime, listen),
    "OpenAI transcriptions": Stock(_OPENAI, fake_openai.TRANSCRIPTIONS, _transcriptions, recognise),
    "OpenAI LLM": Stock(_OPENAI, fake_openai.CHAT, _chat, ask),
    "OpenAI TTS": Stock(_OPENAI, fake_openai.SPEECH, _speech, speak),
    "ElevenLabs TTS": Stock(fake_elevenlabs.FakeElevenLabs, fake_elevenlabs.SPEECH, _eleven, speak),
}

PORT_CLOSED = "port closed"
AT_CONNECT = {
    "reset": Fault(kind=Kind.RESET),
    "connection dropped": Fault(kind=Kind.DROP),
    "401": Fault(kind=Kind.STATUS, status=401),
    "403": Fault(kind=Kind.STATUS, status=403),
    "429": Fault(kind=Kind.STATUS, status=429, retry_after_s=7),
    "500": Fault(kind=Kind.STATUS, status=500),
    "HTML with 200": Fault(kind=Kind.HTML),
    "stall": Fault(kind=Kind.STALL),
    "half-open": Fault(kind=Kind.HALF_OPEN),
}
WHOLE = {
    "nothing but empty": Fault(kind=Kind.EMPTY),
    "slow drip": Fault(kind=Kind.DRIP, pace_s=0.45),
    "wrong rate": Fault(kind=Kind.WRONG_RATE),
}


def _on_the_way(when: str, after: int) -> dict[str, Fault]:
    return {
        f"{when}: reset": Fault(kind=Kind.RESET, after=after),
        f"{when}: dropped (1006)": Fault(kind=Kind.DROP, after=after),
        f"{when}: error message 401": Fault(kind=Kind.STATUS, status=401, after=after),
        f"{when}: error message 500": Fault(kind=Kind.STATUS, status=500, after=after),
        f"{when}: stall": Fault(kind=Kind.STALL, after=after),
        f"{when}: half-open": Fault(kind=Kind.HALF_OPEN, after=after),
        f"{when}: garbage": Fault(kind=Kind.GARBAGE, after=after),
        f"{when}: HTML": Fault(kind=Kind.HTML, after=after),
        f"{when}: 10 MB line": Fault(kind=Kind.HUGE, after=after),
        f"{when}: truncated": Fault(kind=Kind.TRUNCATE, after=after),
    }


FAULTS: dict[str, Fault | None] = {
    PORT_CLOSED: None,
    **AT_CONNECT,
    **_on_the_way("first", 0),
    **_on_the_way("midway", 2),
    **WHOLE,
}


async def try_out(name: str, fault: str | None) -> Outcome:
    """One request that meets the fault; None is a healthy one."""
    stock = STOCK[name]
    async with stock.provider().running() as provider:
        engine = stock.make(provider)
        if fault == PORT_CLOSED:
            await provider.go_down()
        elif fault is not None and (meant := FAULTS[fault]):
            provider.plans[stock.service] = Plan.always(meant)
        outcome = await stock.trial(engine)
    # After its server: with one that is half-open, ElevenLabs takes ten seconds to close.
    await engine.aclose()
    return outcome


def verdict(outcome: Outcome, healthy: Outcome) -> str:
    """In the words of the README's table."""
    if outcome.end != "done":
        return outcome.end
    return "goes on" if outcome.text == healthy.text else "unnoticed"


async def column(name: str, faults: Sequence[str] = tuple(FAULTS)) -> dict[str, str]:
    """What the engine makes of the faults. Those that may hang do so together."""
    healthy = await try_out(name, None)
    verdicts = {}
    slow = [fault for fault in faults if "stall" in fault or "half" in fault or fault in WHOLE]
    slow += [fault for fault in faults if fault.endswith("truncated")]
    for fault in faults:
        if fault not in slow:
            verdicts[fault] = verdict(await try_out(name, fault), healthy)
    together = await asyncio.gather(*(try_out(name, fault) for fault in slow))
    verdicts |= {fault: verdict(out, healthy) for fault, out in zip(slow, together, strict=True)}
    return verdicts
