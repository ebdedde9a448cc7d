"""Writes to a streaming TTS as an LLM does, and plays what comes from the first sound on."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import APIConnectOptions, tts, utils
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString

ONCE = APIConnectOptions(max_retry=0, timeout=10.0)
_TOKEN = re.compile(r"\s*\S{1,6}")


@dataclass
class Heard:
    """What a listener got; times on the loop's clock, gaps in seconds."""

    begun_s: float
    """When the first text was written."""
    first_s: float | None = None
    """From then to the first audio."""
    gaps_s: list[float] = field(default_factory=list)
    """How long there was nothing to play, each time, until more came."""
    pcm: bytes = b""
    transcript: list[TimedString] = field(default_factory=list)
    _ends_s: float = 0.0

    def take(self, audio: tts.SynthesizedAudio, now_s: float) -> None:
        if self.first_s is None:
            self.first_s, self._ends_s = now_s - self.begun_s, now_s
        elif now_s > self._ends_s:
            self.gaps_s.append(now_s - self._ends_s)
        self._ends_s = max(self._ends_s, now_s) + audio.frame.duration
        self.pcm += bytes(audio.frame.data)
        self.transcript += audio.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT) or ()


def tokens(text: str) -> list[str]:
    """Pieces of at most six letters with the blanks before them, as an LLM gives them."""
    found = _TOKEN.findall(text)
    return [*found, text[len("".join(found)) :]]


async def listen(
    engine: tts.TTS[Any], text: str, *, tokens_per_s: float = 0, options: APIConnectOptions = ONCE
) -> Heard:
    """Hears `text` to its end; with 0 tokens a second it is written all at once."""
    loop = asyncio.get_running_loop()
    async with engine.stream(conn_options=options) as stream:
        heard = Heard(loop.time())
        writing = asyncio.create_task(_write(stream, text, tokens_per_s), name="writer")
        try:
            async for audio in stream:
                heard.take(audio, loop.time())
            await writing
        finally:
            await utils.aio.cancel_and_wait(writing)
    return heard


async def _write(stream: tts.SynthesizeStream, text: str, tokens_per_s: float) -> None:
    begun_s = asyncio.get_running_loop().time()
    for number, token in enumerate(tokens(text)):
        if tokens_per_s:
            due_s = begun_s + number / tokens_per_s
            await asyncio.sleep(max(0.0, due_s - asyncio.get_running_loop().time()))
        stream.push_text(token)
    stream.end_input()
