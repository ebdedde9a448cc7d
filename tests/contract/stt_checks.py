"""The contract of an STT. A check raises AssertionError when it is broken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, APITimeoutError, stt
from livekit.agents.utils import is_given
from livekit.plugins.speechcore import duration_s

from tests.contract.common_checks import (
    check_close_is_prompt,
    check_deadline,
    check_failure,
    check_loop_is_free,
    metrics_of,
)
from tests.fakes.audio import BED_DBFS, frames, noise

RATES_HZ = (8_000, 16_000, 24_000, 48_000)
EventType = stt.SpeechEventType

_ONCE = APIConnectOptions(max_retry=0, timeout=10.0)
_FRAME_MS = 50
_PACE_S = 0.01
"""Between two frames: five times as fast as life."""

_ANSWER_S = 10.0


@dataclass(frozen=True)
class Utterance:
    """Something to say to an engine, of which it understands one of `words` at least."""

    pcm: Callable[[int], bytes]
    """The speech as mono PCM at the rate asked for."""
    words: frozenset[str]
    announce: Callable[[stt.STT[Any]], None] = lambda engine: None
    understood_from_hz: int = 8_000
    """Below this rate the engine may mishear: its model was made of richer sound."""


class Conversation:
    """A stream, fed faster than life, and what came out of it."""

    def __init__(
        self,
        engine: stt.STT[Any],
        rate_hz: int = 24_000,
        num_channels: int = 1,
        conn_options: APIConnectOptions = _ONCE,
    ) -> None:
        self.stream = engine.stream(conn_options=conn_options)
        self.events: list[stt.SpeechEvent] = []
        self._rate_hz, self._num_channels = rate_hz, num_channels
        self._news = asyncio.Event()
        self.listening = asyncio.create_task(self._listen(), name="conversation")

    async def _listen(self) -> None:
        async for event in self.stream:
            self.events.append(event)
            self._news.set()

    async def hear(self, pcm: bytes) -> None:
        pieces = frames(pcm, self._rate_hz, num_channels=self._num_channels, frame_ms=_FRAME_MS)
        for frame in pieces:
            if self.listening.done():
                return  # the stream has failed, and says so to whoever awaits the end
            try:
                self.stream.push_frame(frame)
            except RuntimeError:  # closed a moment ago: whoever listens is about to be told why
                await asyncio.wait({self.listening}, timeout=_ANSWER_S)
                if not self.listening.done():
                    raise
            await asyncio.sleep(_PACE_S)

    async def quiet(self, duration: float) -> None:
        await self.hear(noise(duration, BED_DBFS, self._rate_hz))

    async def flush(self) -> stt.SpeechEvent:
        """Flushes, and waits for the FINAL that answers, or the one that was on its way."""
        before = len(self.of(EventType.FINAL_TRANSCRIPT))
        self.stream.flush()
        return await self.until_final(before + 1)

    async def until_final(self, count: int) -> stt.SpeechEvent:
        async with asyncio.timeout(_ANSWER_S):
            while len(self.of(EventType.FINAL_TRANSCRIPT)) < count:
                self._news.clear()
                await self._news.wait()
        return self.of(EventType.FINAL_TRANSCRIPT)[count - 1]

    async def end(self) -> None:
        """Waits for the last events. Raises what the stream has failed with."""
        if not self.listening.done():
            self.stream.end_input()
        await self.listening

    async def __aenter__(self) -> Conversation:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.stream.aclose()
        await asyncio.wait({self.listening})

    def of(self, *kinds: stt.SpeechEventType) -> list[stt.SpeechEvent]:
        return [event for event in self.events if event.type in kinds]

    @property
    def final_texts(self) -> list[str]:
        finals = self.of(EventType.FINAL_TRANSCRIPT)
        return [text for event in finals if (text := event.alternatives[0].text)]


async def say(
    engine: stt.STT[Any],
    utterance: Utterance,
    rate_hz: int = 24_000,
    num_channels: int = 1,
    conn_options: APIConnectOptions = _ONCE,
) -> Conversation:
    """One utterance with quiet around it, then the end of the stream."""
    async with Conversation(engine, rate_hz, num_channels, conn_options) as conversation:
        await conversation.quiet(0.5)
        utterance.announce(engine)
        await conversation.hear(utterance.pcm(rate_hz))
        await conversation.quiet(0.6)
        await conversation.end()
    return conversation


def check_understood(conversation: Conversation, utterance: Utterance) -> None:
    heard = set(" ".join(conversation.final_texts).lower().split())
    assert heard & utterance.words, f"understood {sorted(heard)}"


async def check_input(
    engine: stt.STT[Any], utterance: Utterance, rate_hz: int, num_channels: int
) -> None:
    """Takes audio of any usual rate and number of channels, and understands it."""
    conversation = await say(engine, utterance, rate_hz, num_channels)
    if rate_hz >= utterance.understood_from_hz:
        check_understood(conversation, utterance)
    assert conversation.of(EventType.RECOGNITION_USAGE), "the audio was not heard"


async def check_changed_rate_is_refused(engine: stt.STT[Any]) -> None:
    async with Conversation(engine) as conversation:
        await conversation.quiet(0.2)
        with pytest.raises(ValueError):
            conversation.stream.push_frame(rtc.AudioFrame(b"\0\0" * 480, 48_000, 1, 480))


async def check_events(engine: stt.STT[Any], utterance: Utterance) -> None:
    """Interims grow into a PREFLIGHT that is the FINAL to the letter."""
    conversation = await say(engine, utterance)
    check_understood(conversation, utterance)
    assert conversation.of(EventType.INTERIM_TRANSCRIPT), "no interim transcript"
    last_preflight = ""
    for event in conversation.of(EventType.PREFLIGHT_TRANSCRIPT, EventType.FINAL_TRANSCRIPT):
        text = event.alternatives[0].text
        if event.type == EventType.PREFLIGHT_TRANSCRIPT:
            last_preflight = text
        elif text:
            assert text == last_preflight, f"PREFLIGHT {last_preflight!r}, FINAL {text!r}"
    assert last_preflight, "no PREFLIGHT"


async def check_data(engine: stt.STT[Any], utterance: Utterance) -> None:
    """Every transcript has a language; times are those of the audio, moved by the offset."""
    pcm = utterance.pcm(24_000)
    async with Conversation(engine) as conversation:
        conversation.stream.start_time_offset = 1000.0
        await conversation.quiet(0.5)
        utterance.announce(engine)
        await conversation.hear(pcm)
        await conversation.quiet(0.6)
        await conversation.end()
    latest_s = 1000.0 + duration_s(pcm, 24_000) + 1.2
    for event in conversation.events:
        for data in event.alternatives:
            assert data.language == "en"
            assert not data.text or 1000.3 <= data.start_time <= data.end_time <= latest_s
            words = data.words or []
            assert " ".join(words).lower() == data.text.lower(), "words that are not the text"
            times = [t for word in words for t in (word.start_time, word.end_time) if is_given(t)]
            assert len(times) == 2 * len(words), "a word without times"
            assert times == sorted(times), "words out of order"


async def check_flush(engine: stt.STT[Any], utterance: Utterance) -> None:
    """A flush gives a FINAL; what was final is not said again; the next segment is its own."""
    async with Conversation(engine) as conversation:
        for _ in range(2):
            await conversation.quiet(0.5)
            utterance.announce(engine)
            await conversation.hear(utterance.pcm(24_000))
            await conversation.quiet(0.1)
            said = conversation.final_texts
            final = await conversation.flush()
            assert final.alternatives[0].text or said, "the flush found nothing"
        first = conversation.final_texts
        await conversation.quiet(0.3)
        assert (await conversation.flush()).alternatives[0].text == "", "a text was final twice"
        await conversation.end()
    assert conversation.final_texts == first, "a text was final twice"
    assert len(first) == 2, f"two utterances gave {first}"


async def check_nothing_said(engine: stt.STT[Any]) -> None:
    """No audio, and audio without speech, end without a word and without an error."""
    errors: list[object] = []
    engine.on("error", errors.append)
    async with Conversation(engine) as unspoken:
        await unspoken.end()
    assert not unspoken.of(EventType.FINAL_TRANSCRIPT)
    for level_dbfs in (float("-inf"), BED_DBFS):
        async with Conversation(engine) as conversation:
            await conversation.hear(noise(2.0, level_dbfs, 24_000))
            await conversation.end()
        assert not conversation.final_texts
        assert not conversation.of(EventType.INTERIM_TRANSCRIPT, EventType.PREFLIGHT_TRANSCRIPT)
    engine.off("error", errors.append)
    assert not errors


async def check_metrics(engine: stt.STT[Any], utterance: Utterance) -> None:
    """Usage is told of all the audio that was heard."""
    metrics = await metrics_of(engine, lambda: say(engine, utterance))
    pushed_s = duration_s(utterance.pcm(24_000), 24_000) + 1.1
    assert sum(metric.audio_duration for metric in metrics) == pytest.approx(pushed_s, abs=0.2)
    assert all(metric.streamed for metric in metrics)
    assert {metric.metadata.model_name for metric in metrics} == {engine.model}
    assert {metric.metadata.model_provider for metric in metrics} == {engine.provider}


async def check_recording(engine: stt.STT[Any], utterance: Utterance) -> None:
    """A whole recording is recognised too, if the engine says it can."""
    assert engine.capabilities.offline_recognize
    utterance.announce(engine)
    pcm = noise(0.3, BED_DBFS, 48_000) + utterance.pcm(48_000) + noise(0.3, BED_DBFS, 48_000)
    recording = list(frames(pcm, 48_000, num_channels=2))
    found: list[stt.SpeechEvent] = []

    async def recognise() -> None:
        found.append(await engine.recognize(recording, conn_options=_ONCE))

    metrics = await metrics_of(engine, recognise)
    assert found[0].type == EventType.FINAL_TRANSCRIPT
    assert set(found[0].alternatives[0].text.lower().split()) & utterance.words
    assert [metric.streamed for metric in metrics] == [False]
    empty = await engine.recognize([], conn_options=_ONCE)
    assert empty.alternatives[0].text == ""


async def check_interruption(engine: stt.STT[Any], utterance: Utterance) -> None:
    """Closing in the midst of speech returns at once, and the engine is free again."""
    pcm = utterance.pcm(24_000)
    async with Conversation(engine) as conversation:
        utterance.announce(engine)
        await conversation.hear(pcm[: len(pcm) // 4 * 2])
        await check_close_is_prompt(conversation.stream)
    check_understood(await say(engine, utterance), utterance)


async def check_loop_stays_free(engine: stt.STT[Any], utterance: Utterance) -> None:
    await say(engine, utterance)  # what is loaded on first use is another matter
    utterance.pcm(24_000)
    await check_loop_is_free(say(engine, utterance))


async def check_deadline_is_kept(slow_engine: stt.STT[Any], utterance: Utterance) -> None:
    """For an engine that takes seconds to answer."""
    options = APIConnectOptions(max_retry=0, timeout=0.2)
    async with Conversation(slow_engine, conn_options=options) as conversation:
        await conversation.hear(utterance.pcm(24_000))
        if not conversation.listening.done():
            conversation.stream.flush()
        flushed_s = asyncio.get_running_loop().time()
        await check_deadline(conversation.listening, 0.0, APITimeoutError)
        assert asyncio.get_running_loop().time() - flushed_s < 1.0, "the deadline was not kept"


async def check_failure_is_reported(failing_engine: stt.STT[Any], utterance: Utterance) -> None:
    """For an engine that raises at its next step, and only then."""
    await check_failure(failing_engine, say(failing_engine, utterance))


async def check_retry(failing_engine: stt.STT[Any], utterance: Utterance) -> None:
    """For an engine that raises at its next step, and only then: the stream goes on."""
    options = APIConnectOptions(max_retry=1, retry_interval=0.0, timeout=5.0)
    async with Conversation(failing_engine, conn_options=options) as conversation:
        await conversation.quiet(0.5)
        await asyncio.sleep(0.3)  # livekit waits 0.1 s before the first retry
        utterance.announce(failing_engine)
        await conversation.hear(utterance.pcm(24_000))
        await conversation.quiet(0.6)
        await conversation.end()
    check_understood(conversation, utterance)
