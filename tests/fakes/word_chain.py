"""A chain of voices whose words can be read back, and what somebody hears who listens to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from livekit.agents import tts
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT
from livekit.plugins.chains import Breakers, ChainTTS, Member
from livekit.plugins.chains.events import ChainEvent

from .word_voice import Manner, Misdeed, WordVoice, heard, said

TEXT = "we can send you the new plan today, because your account has been open since march."
DEADLINE_S = 0.5
RATE_HZ = 24_000


@dataclass
class Heard:
    pcm: bytes = b""
    first_s: float | None = None
    """Until the first sound is heard."""
    dry_s: float = 0.0
    """The longest time for which a listener had nothing to hear."""
    holes_s: float = 0.0
    """All such times together."""
    told: list[Any] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        return heard(self.pcm, RATE_HZ)


async def listen(stream: tts.ChunkedStream | tts.SynthesizeStream) -> Heard:
    """Plays what comes as it comes."""
    clock = asyncio.get_running_loop().time
    begun_s = clock()
    ends_s = 0.0
    result = Heard()
    async with stream:
        async for audio in stream:
            now_s = clock()
            if result.pcm:
                result.dry_s = max(result.dry_s, now_s - ends_s)
                result.holes_s += max(0.0, now_s - ends_s)
            starts_s = max(ends_s, now_s)
            loud = np.flatnonzero(np.abs(np.frombuffer(audio.frame.data, dtype=np.int16)) > 300)
            if result.first_s is None and len(loud):
                result.first_s = starts_s + loud[0] / RATE_HZ - begun_s
            ends_s = starts_s + audio.frame.duration
            result.pcm += bytes(audio.frame.data)
            result.told += audio.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT) or []
    return result


def chain(*voices: WordVoice, events: list[ChainEvent] | None = None, **options: Any) -> ChainTTS:
    members = [Member(f"voice-{i}", voice, DEADLINE_S) for i, voice in enumerate(voices)]
    on_event = (events if events is not None else []).append
    options.setdefault("breakers", Breakers(chance=lambda: 0.5))
    return ChainTTS(members, on_event=on_event, **options)


async def say(speaker: ChainTTS, text: str = TEXT) -> Heard:
    return await listen(speaker.synthesize(text))


async def write(speaker: ChainTTS, text: str = TEXT, word_s: float = 0.03) -> Heard:
    stream = speaker.stream()

    async def push() -> None:
        for word in text.split(" "):
            stream.push_text(word + " ")
            await asyncio.sleep(word_s)
        stream.end_input()

    pushing = asyncio.create_task(push())
    result = await listen(stream)
    await pushing
    return result


Way = Callable[[ChainTTS], Awaitable[Heard]]
WAYS = pytest.mark.parametrize("way", [say, write], ids=["whole", "as it is written"])


def voice(misdeed: str | None = None, at_s: float = 0.0, **manner: Any) -> WordVoice:
    wrong = Misdeed(name=misdeed, at_s=at_s) if misdeed else None  # type: ignore[arg-type]
    return WordVoice(Manner(**manner), wrong)


async def taught(speaker: ChainTTS, *voices: WordVoice) -> None:
    """Lets the chain learn how fast its first voices are, before they do wrong."""
    misdeeds = [one.misdeed for one in voices]
    for place, one in enumerate(voices):
        one.misdeed = None
        for earlier in voices[:place]:
            earlier.misdeed = Misdeed(name="raise")
        for _ in range(2):
            assert (await say(speaker)).words == said(TEXT)
    for one, misdeed in zip(voices, misdeeds, strict=True):
        one.misdeed = misdeed
        one.texts.clear()
    await asyncio.sleep(40.0)
