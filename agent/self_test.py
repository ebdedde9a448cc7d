"""Lets a call's own voice speak to its own ears: the quickest proof that both work."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from livekit import rtc
from livekit.agents import APIConnectOptions, stt, tts, utils
from rapidfuzz import fuzz
from rapidfuzz.utils import default_process

from agent.turns.stt_events import FINAL, text_of

SENTENCE = "What can you do?"
TRIES = 3
"""Recognition is not the same each time; an engine that works is understood in one of these."""
_LIKE_ENOUGH = 70
_QUIET_S = 1.0
"""After the sentence, for an engine that hears by itself that it is over."""
_UNDERSTOOD_VOICES = {("espeak", "pocketsphinx"): "en-us+f2"}
"""Recognition made for human speech does not understand every synthetic voice: one that it does."""


@dataclass(frozen=True)
class SelfTest:
    """What came of it."""

    passed: bool
    heard: str
    tts_first_s: float
    """From the text to its first audio."""
    stt_s: float
    """From the end of the audio to its text."""
    audio_s: float


def voice_for(speaker: str, listener: str) -> str | None:
    """The voice in which `speaker` is understood by `listener`; None when any will do."""
    return _UNDERSTOOD_VOICES.get((speaker, listener))


async def speak_and_listen(
    speaker: tts.TTS[Any], listener: stt.STT[Any], *, timeout_s: float = 20.0
) -> SelfTest:
    """The first try that passes, or the last one. Raises APIError when an engine fails."""
    options = APIConnectOptions(max_retry=0, timeout=timeout_s)
    for _ in range(TRIES):
        result = await _try_once(speaker, listener, options)
        if result.passed:
            break
    return result


async def _try_once(
    speaker: tts.TTS[Any], listener: stt.STT[Any], options: APIConnectOptions
) -> SelfTest:
    started_s = time.monotonic()
    first_s = 0.0
    frames = []
    async with speaker.synthesize(SENTENCE, conn_options=options) as speech:
        async for audio in speech:
            first_s = first_s or time.monotonic() - started_s
            frames.append(audio.frame)
    spoken_s = time.monotonic()
    heard = await _heard(listener, frames, options)
    return SelfTest(
        passed=_understood(heard, made_up=listener.provider == "simulated"),
        heard=heard,
        tts_first_s=first_s,
        stt_s=time.monotonic() - spoken_s,
        audio_s=sum(frame.duration for frame in frames),
    )


async def _heard(
    listener: stt.STT[Any], frames: list[rtc.AudioFrame], options: APIConnectOptions
) -> str:
    if listener.capabilities.offline_recognize:
        return text_of(await listener.recognize(frames, conn_options=options))
    async with asyncio.timeout(options.timeout), listener.stream(conn_options=options) as stream:
        for frame in frames:
            stream.push_frame(frame)
        stream.push_frame(utils.audio.silence_frame(_QUIET_S, frames[0].sample_rate))
        stream.end_input()
        return " ".join([text_of(event) async for event in stream if event.type is FINAL])


def _understood(heard: str, *, made_up: bool) -> bool:
    if made_up:  # the simulated STT makes up words while it hears sound
        return bool(heard.strip())
    return fuzz.ratio(SENTENCE, heard, processor=default_process) >= _LIKE_ENOUGH
