"""Calls without a room: the engines as a call has them, real plugins on the fake providers, real time.

The caller's words go to the chain of recognisers as sound, at the speed of speech; its text goes to
the chain of language models, and their words to the chain of voices.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from livekit.agents import APIError, llm, stt, tts, utils

from agent.config import Settings
from agent.dispatch import CallOptions
from agent.engines import Loaded, Pipeline, build, import_plugins
from agent.profiles import choose
from tests.chaos.call import NOUNS, QUESTION, REPLY
from tests.chaos.providers import FIRST_MODEL, SECOND_MODEL, Providers, chat_of, without_call
from tests.chaos.verdict import Turn
from tests.fakes.audio import BED_DBFS, frames, noise
from tests.fakes.providers import deepgram, elevenlabs
from tests.fakes.providers.coded_speech import read, say, words_of
from tests.fakes.providers.faults import Fault, Plan
from tests.fakes.providers.openai import REALTIME, SPEECH, Reply
from tests.hosted.stock import FAULTS, PORT_CLOSED

RATE_HZ = 16_000
FRAME_S = 0.05
_TURN_LIMIT_S = 30.0
_PLANNED = 20_000
"""Requests to a service whose fate is drawn beforehand."""
_FOR_GOOD = ("401", "403")
"""A refused key stays refused: an engine is left alone for it until the worker starts anew."""


def random_faults(*, of_voice: bool) -> list[Fault]:
    """All that may come and go."""
    return [
        fault
        for name, fault in FAULTS.items()
        if fault is not None
        and name != PORT_CLOSED
        and not name.endswith(_FOR_GOOD)
        and (of_voice or name != "wrong rate")
    ]


def break_at_random(providers: Providers, share: float, random: Random) -> None:
    """That share of the requests to each engine, first and second ones alike, meets a fault."""
    services = (
        (providers.deepgram, deepgram.LISTEN, False),
        (providers.openai, REALTIME, False),
        (providers.openai, chat_of(FIRST_MODEL), False),
        (providers.openai, chat_of(SECOND_MODEL), False),
        (providers.eleven, elevenlabs.SPEECH, True),
        (providers.openai, SPEECH, True),
    )
    for provider, service, of_voice in services:
        faults = random_faults(of_voice=of_voice)
        provider.plans[service] = Plan.at_random(share, faults, random, _PLANNED)


def reply_to(body: dict[str, Any]) -> Reply:
    """Of the language models: about what was asked for, or its rest."""
    messages = body["messages"]
    questions = [str(it["content"]) for it in messages if it["role"] == "user"]
    noun = next((noun for noun in NOUNS if noun in questions[0].lower()), "nothing")
    return without_call(REPLY.format(noun), body)


def settings_of(providers: Providers, **values: Any) -> Settings:
    """Without the embedded voice behind the others, whose words cannot be read."""
    variables = {name.lower(): value for name, value in providers.environment.items()}
    return Settings.model_validate({**variables, "agent_profile": "simulated", **values})


@contextlib.asynccontextmanager
async def pipeline(settings: Settings) -> AsyncIterator[Pipeline]:
    choice = choose(settings)
    import_plugins(choice)
    made = build(settings, choice, CallOptions(), Loaded())
    try:
        yield made
    finally:
        await made.aclose()


async def turn_of(engines: Pipeline, noun: str) -> Turn:
    """One question; errors and lateness are an answer that is missing."""
    question, reply = QUESTION.format(noun), REPLY.format(noun)
    turn = Turn(
        trial="random",
        question=question,
        understood="",
        reply=reply,
        spoken=(),
        response_s=None,
    )
    with contextlib.suppress(TimeoutError, APIError):
        async with asyncio.timeout(_TURN_LIMIT_S):
            understood = await hear(engines.stt, question)
            asked_s = time.monotonic()
            turn = replace(turn, understood=understood)
            if words_of(understood):
                sound = await answer(engines, understood)
                turn = replace(
                    turn,
                    spoken=tuple(read(sound.pcm, sound.rate_hz)),
                    response_s=sound.first_s - asked_s if sound.first_s else None,
                )
    return turn


async def hear(engine: stt.STT[Any], question: str) -> str:
    """The words of a stream, flushed at the end of the question."""
    sound = say(question, RATE_HZ) + noise(0.3, BED_DBFS, RATE_HZ)
    finals: list[str] = []
    news = asyncio.Event()
    stream = engine.stream()

    async def listen() -> None:
        async for event in stream:
            if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
                finals.append(event.alternatives[0].text)
                news.set()

    listening = asyncio.create_task(listen(), name="chaos.listen")
    try:
        for frame in frames(sound, RATE_HZ, frame_ms=round(FRAME_S * 1000)):
            if listening.done():
                break  # nobody is left who hears
            stream.push_frame(frame)
            await asyncio.sleep(FRAME_S)
        news.clear()
        if not listening.done():
            stream.flush()
        told = asyncio.create_task(news.wait(), name="chaos.flush")
        await asyncio.wait({told, listening}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if listening.done():
            listening.result()
    finally:
        await utils.aio.cancel_and_wait(listening)
        await stream.aclose()
    return " ".join(filter(None, finals))


@dataclass
class Sound:
    rate_hz: int
    pcm: bytes = b""
    first_s: float | None = None


async def answer(engines: Pipeline, understood: str) -> Sound:
    """The language model's words, spoken as they come. Raises APIError, after any part of it."""
    voice = engines.tts
    sound = Sound(voice.sample_rate)
    context = llm.ChatContext.empty()
    context.add_message(role="user", content=understood)
    async with voice.stream() as speech:
        speaking = asyncio.create_task(_collect(speech, sound), name="chaos.speak")
        try:
            async with engines.llm.chat(chat_ctx=context) as stream:
                async for chunk in stream:
                    if chunk.delta and chunk.delta.content:
                        speech.push_text(chunk.delta.content)
            speech.end_input()
            await speaking
        except APIError:
            pass  # what was spoken counts
        finally:
            await utils.aio.cancel_and_wait(speaking)
    return sound


async def _collect(speech: tts.SynthesizeStream, sound: Sound) -> None:
    async for audio in speech:
        sound.first_s = sound.first_s or time.monotonic()
        sound.pcm += bytes(audio.frame.data)


async def many_turns(
    providers: Providers,
    settings: Settings,
    count: int,
    lines: int,
    on_turn: Callable[[Turn], None],
) -> None:
    """So many calls at once, each with engines and breakers of its own, share the turns."""
    nouns = iter([NOUNS[number % len(NOUNS)] for number in range(count)])

    async def line() -> None:
        async with pipeline(settings) as engines:
            for noun in nouns:
                on_turn(await turn_of(engines, noun))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(lines, count)):
            group.create_task(line(), name="chaos.line")
