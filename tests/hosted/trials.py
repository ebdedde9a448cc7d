"""One request to an engine, and what became of it within a few seconds."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import APIConnectOptions, APIStatusError, llm, stt, tts

from tests.fakes.audio import frames
from tests.fakes.providers.coded_speech import read, say

TIMEOUT_S = 0.6
"""Of the connect options: what an engine may take by livekit's rules."""
LIMIT_S = 2.4
"""What is not over by then is taken for hanging."""
ONCE = APIConnectOptions(max_retry=0, timeout=TIMEOUT_S)

QUESTION = "what time is it now"
SENTENCE = "Hello there, this is a sentence of some length that takes a while to say."
SPOKEN = SENTENCE.lower().replace(",", "").rstrip(".")
_RATE_HZ = 16_000
_FRAME_S = 0.05


@dataclass
class Outcome:
    """What came, and how it ended."""

    got: list[str] = field(default_factory=list)
    """Final texts of an STT, tokens of an LLM, words that a TTS was heard to say."""
    error: Exception | None = None
    is_hanging: bool = False
    took_s: float = 0.0
    first_s: float | None = None
    """Until the first interim, token or sound."""

    @property
    def end(self) -> str:
        """done, hangs, or the error's name, its status, and `final` if livekit does not retry."""
        if self.is_hanging:
            return "hangs"
        if self.error is None:
            return "done"
        status = self.error.status_code if isinstance(self.error, APIStatusError) else ""
        again = "" if getattr(self.error, "retryable", False) else "final"
        return " ".join(filter(None, [type(self.error).__name__, str(status), again]))

    @property
    def text(self) -> str:
        return " ".join(self.got)


@contextlib.asynccontextmanager
async def _timed(outcome: Outcome) -> AsyncIterator[Callable[[], None]]:
    """Notes the end; gives what notes the first piece."""
    started_s = time.monotonic()

    def note_first() -> None:
        if outcome.first_s is None:
            outcome.first_s = time.monotonic() - started_s

    try:
        async with asyncio.timeout(LIMIT_S) as limit:
            yield note_first
    except Exception as e:
        outcome.is_hanging = limit.expired()
        outcome.error = None if outcome.is_hanging else e
    outcome.took_s = time.monotonic() - started_s


async def listen(engine: stt.STT[Any], question: str = QUESTION) -> Outcome:
    """A stream that hears a question and then a quiet line, until its final text."""
    outcome = Outcome()
    async with _timed(outcome) as note_first, engine.stream(conn_options=ONCE) as stream:
        microphone = asyncio.create_task(_feed(stream, question))
        try:
            async for event in stream:
                if event.alternatives and event.alternatives[0].text:
                    note_first()
                if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
                    outcome.got.append(event.alternatives[0].text)
                    break
        finally:
            microphone.cancel()
            await asyncio.gather(microphone, return_exceptions=True)
    return outcome


async def recognise(engine: stt.STT[Any], question: str = QUESTION) -> Outcome:
    """A recording, whole."""
    outcome = Outcome()
    async with _timed(outcome) as note_first:
        recording = list(frames(say(question, _RATE_HZ), _RATE_HZ))
        event = await engine.recognize(recording, conn_options=ONCE)
        note_first()
        outcome.got.append(str(event.alternatives[0].text))  # None has been seen
    return outcome


async def ask(engine: llm.LLM[Any], question: str = "Hello.") -> Outcome:
    """One chat request; tool calls count as their names."""
    outcome = Outcome()
    context = llm.ChatContext()
    context.add_message(role="user", content=question)
    async with (
        _timed(outcome) as note_first,
        engine.chat(chat_ctx=context, conn_options=ONCE) as stream,
    ):
        async for chunk in stream:
            if chunk.delta and chunk.delta.content:
                note_first()
                outcome.got.append(chunk.delta.content.strip())
            for call in chunk.delta.tool_calls if chunk.delta else ():
                outcome.got.append(f"{call.name}({call.arguments})")
    return outcome


async def speak(engine: tts.TTS[Any], text: str = SENTENCE) -> Outcome:
    """By a stream where the engine has them."""
    outcome, pcm = Outcome(), bytearray()
    async with _timed(outcome) as note_first, _speech(engine, text) as stream:
        async for audio in stream:
            note_first()
            pcm += bytes(audio.frame.data)
    outcome.got = read(bytes(pcm), engine.sample_rate)
    return outcome


def _speech(engine: tts.TTS[Any], text: str) -> tts.SynthesizeStream | tts.ChunkedStream:
    if not engine.capabilities.streaming:
        return engine.synthesize(text, conn_options=ONCE)
    stream = engine.stream(conn_options=ONCE)
    stream.push_text(text)
    stream.end_input()
    return stream


async def _feed(stream: stt.RecognizeStream, question: str) -> None:
    """The question at once, a flush after it, and silence in real time."""
    sound = say(question, _RATE_HZ) + bytes(round(0.5 * _RATE_HZ) * 2)
    for frame in frames(sound, _RATE_HZ):
        stream.push_frame(frame)
    stream.flush()
    while True:
        await asyncio.sleep(_FRAME_S)
        for frame in frames(bytes(round(_FRAME_S * _RATE_HZ) * 2), _RATE_HZ):
            stream.push_frame(frame)
