"""The three fake providers behind one call, and what their language models answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from tests.chaos.trials import Trial
from tests.fakes.providers import deepgram, elevenlabs
from tests.fakes.providers.deepgram import FakeDeepgram
from tests.fakes.providers.elevenlabs import FakeElevenLabs
from tests.fakes.providers.faults import Fault, Plan
from tests.fakes.providers.openai import CHAT, REALTIME, SPEECH, Call, FakeOpenAI, Reply
from tests.fakes.providers.provider import FakeProvider

FIRST_MODEL, SECOND_MODEL = "gpt-4.1-mini", "gpt-4.1-nano"
_CUT_OFF = "Your answer was cut off"
"""How a chain asks a language model to go on from another one's words."""

Order = Literal["deepgram first", "openai first"]
LISTS: dict[Order, dict[str, str]] = {
    "deepgram first": {"AGENT_STT": "deepgram, openai", "AGENT_TTS": "elevenlabs, openai"},
    "openai first": {"AGENT_STT": "openai, deepgram", "AGENT_TTS": "openai, elevenlabs"},
}


@dataclass
class TwoModels(FakeOpenAI):
    """Each language model has a plan of its own."""

    async def admit(self, request: web.Request, service: str) -> Fault | None:
        if service == CHAT:
            service = chat_of((await request.json())["model"])
        return await super().admit(request, service)


def chat_of(model: str) -> str:
    """The service of one language model."""
    return f"{CHAT} {model}"


@dataclass
class Script:
    """What the language models say to the question at hand."""

    reply: str = ""
    call: Call | None = None
    """First they call this tool."""

    def __call__(self, body: dict[str, Any]) -> Reply:
        last = body["messages"][-1]
        if self.call and last["role"] == "user" and not is_continuation(last):
            return Reply(calls=[self.call])
        return without_call(self.reply, body)


def is_continuation(message: dict[str, Any]) -> bool:
    """Whether it is a chain's own, not the caller's."""
    return str(message.get("content") or "").startswith(_CUT_OFF)


def without_call(reply: str, body: dict[str, Any]) -> Reply:
    """The text, or what is left of it when another model began it."""
    messages = body["messages"]
    if is_continuation(messages[-1]):
        said = str(messages[-2]["content"]).split()
        reply = " ".join(reply.split()[len(said) :])
    return Reply(text=reply)


@dataclass
class Providers:
    """All three, running."""

    order: Order
    script: Script = field(default_factory=Script)
    deepgram: FakeDeepgram = field(default_factory=FakeDeepgram)
    eleven: FakeElevenLabs = field(default_factory=FakeElevenLabs)
    openai: TwoModels = field(default_factory=TwoModels)
    _down: FakeProvider | None = None

    def __post_init__(self) -> None:
        self.openai.reply = self.script
        self.openai.latency_s = self.deepgram.latency_s = self.eleven.latency_s = lambda: 0.1

    @property
    def environment(self) -> dict[str, str]:
        """For a worker that has a first and a second engine at each stage."""
        return {
            "AGENT_PROFILE": "hosted",
            "AGENT_LLM": f"openai:{FIRST_MODEL}, openai:{SECOND_MODEL}",
            **LISTS[self.order],
            "DEEPGRAM_API_KEY": self.deepgram.key,
            "DEEPGRAM_BASE_URL": self.deepgram.api_url,
            "OPENAI_API_KEY": self.openai.key,
            "OPENAI_BASE_URL": self.openai.api_url,
            "ELEVEN_API_KEY": self.eleven.key,
            "ELEVEN_BASE_URL": self.eleven.api_url,
        }

    def target(self, trial: Trial) -> tuple[FakeProvider, str]:
        """The preferred engine's provider and service."""
        if trial.stage in ("llm", "tool"):
            return self.openai, chat_of(FIRST_MODEL)
        is_deepgram = self.order == "deepgram first"
        if trial.stage == "stt":
            return (self.deepgram, deepgram.LISTEN) if is_deepgram else (self.openai, REALTIME)
        return (self.eleven, elevenlabs.SPEECH) if is_deepgram else (self.openai, SPEECH)

    async def prepare(self, trial: Trial) -> None:
        """Before the caller speaks; a recogniser fails by `strike`."""
        provider, service = self.target(trial)
        if trial.stage == "stt":
            if trial.when in ("first", "whole"):
                await self._break_stream(provider, service, trial)
        elif trial.fault is None:
            await self._take_down(provider)
        else:
            provider.plans[service] = Plan.always(trial.fault)
            if trial.when == "connect" and trial.stage == "tts":
                await reconnect(provider)  # else a connection is open already

    async def strike(self, trial: Trial) -> None:
        """In the midst of the caller's question."""
        if trial.stage == "stt" and trial.when in ("connect", "midway"):
            provider, service = self.target(trial)
            await self._break_stream(provider, service, trial)

    async def heal(self) -> None:
        """Nothing goes wrong any more."""
        for provider in (self.deepgram, self.eleven, self.openai):
            provider.plans.clear()
        if self._down is not None:
            await self._down.come_up()
            self._down = None

    def was_met(self, trial: Trial) -> bool:
        """Whether any request met the fault since `heal`; of a stream it is known."""
        provider, service = self.target(trial)
        is_known = trial.fault is None or (trial.stage == "stt" and trial.when != "connect")
        return is_known or provider.plans[service].taken > 0

    async def _take_down(self, provider: FakeProvider) -> None:
        await provider.go_down()
        self._down = provider

    async def _break_stream(self, provider: FakeProvider, service: str, trial: Trial) -> None:
        if trial.fault is None:
            await self._take_down(provider)
        elif trial.when == "connect":
            provider.plans[service] = Plan.always(trial.fault)
            await reconnect(provider)
        else:
            await provider.inject(trial.fault)


async def reconnect(provider: FakeProvider) -> None:
    """All its connections are lost; it listens again at once."""
    await provider.go_down()
    await provider.come_up()


@contextlib.asynccontextmanager
async def running_providers(order: Order) -> AsyncIterator[Providers]:
    providers = Providers(order)
    async with (
        providers.deepgram.running(),
        providers.eleven.running(),
        providers.openai.running(),
    ):
        yield providers
        await asyncio.sleep(0)
