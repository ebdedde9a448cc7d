"""Engines that recognise whole recordings only, as streams; and streams, for a whole recording."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Never

from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    LanguageCode,
    NotGivenOr,
    stt,
)
from livekit.agents.types import TimedString
from livekit.agents.utils import AudioBuffer, is_given
from livekit.plugins.speechcore import BYTES_PER_SAMPLE
from livekit.plugins.speechio import mono_frame, usage_event

from .stt_audio import LONGEST_S, TurnAudio

_RATE_HZ = 16_000
_FULL_S = 20.0
"""From here on a pause is enough to recognise what there is; that keeps within `LONGEST_S`."""

_TAIL_S = 0.3
_PAUSE_S = 0.3
_LEAST_SPEECH_S = 0.1


class BatchSTT(stt.STT[Never]):
    """A stream over `engine.recognize`: one FINAL a flush, no interims. Closes nothing."""

    def __init__(self, engine: stt.STT[Any]) -> None:
        super().__init__(
            capabilities=replace(
                engine.capabilities, streaming=True, interim_results=False, manual_flush=True
            )
        )
        self._engine = engine

    @property
    def model(self) -> str:
        return self._engine.model

    @property
    def provider(self) -> str:
        return self._engine.provider

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        return await self._engine.recognize(buffer, language=language, conn_options=conn_options)

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> BatchStream:
        return BatchStream(self, self._engine, language, conn_options)


class BatchStream(stt.RecognizeStream):
    """Recognises at every flush what was said since the last one, without the quiet around it.

    No speech, no request. Audio that comes meanwhile waits. Without a flush for 20 s the next pause
    gives a FINAL too.
    """

    def __init__(
        self,
        owner: BatchSTT,
        engine: stt.STT[Any],
        language: NotGivenOr[str],
        conn_options: APIConnectOptions,
    ) -> None:
        super().__init__(stt=owner, conn_options=conn_options, sample_rate=_RATE_HZ)
        self._engine = engine
        self._language = language
        self._audio = TurnAudio()
        self._flushed_s = 0.0

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        super().push_frame(mono_frame(frame))

    async def _run(self) -> None:
        async for item in self._input_ch:
            audio = self._audio
            if isinstance(item, rtc.AudioFrame):
                audio.push(bytes(item.data), item.sample_rate)
                if self._is_full() and audio.speech_s() >= _LEAST_SPEECH_S:
                    self._event_ch.send_nowait(await self._recognise())
                elif self._is_full():
                    audio.settle(audio.end_s - _PAUSE_S)
            elif audio.end_s > self._flushed_s:
                self._flushed_s = audio.end_s
                self._event_ch.send_nowait(await self._recognise())

    def _is_full(self) -> bool:
        waiting_s = self._audio.end_s - self._audio.final_s
        is_quiet = not self._audio.speech_s(from_s=self._audio.end_s - _PAUSE_S)
        return waiting_s >= LONGEST_S - 1.0 or (waiting_s >= _FULL_S and is_quiet)

    async def _recognise(self) -> stt.SpeechEvent:
        audio = self._audio
        from_s, to_s = audio.replay_from_s(), audio.last_loud_s() + _TAIL_S
        is_silent = audio.speech_s() < _LEAST_SPEECH_S
        pcm = b"".join(audio.pieces(from_s, to_s))
        audio.settle(audio.end_s)
        if is_silent:
            return _empty(self._language)
        frame = rtc.AudioFrame(pcm, audio.rate_hz, 1, len(pcm) // BYTES_PER_SAMPLE)
        event = await self._engine.recognize(
            [frame], language=self._language, conn_options=self._conn_options
        )
        self._event_ch.send_nowait(usage_event(frame.duration, request_id=event.request_id))
        return _moved(event, self.start_time_offset + from_s)


async def recognise_by_stream(
    engine: stt.STT[Any],
    buffer: AudioBuffer,
    language: NotGivenOr[str],
    conn_options: APIConnectOptions,
) -> stt.SpeechEvent:
    """A recording through an engine that only streams: all its FINALs as one."""
    finals: list[stt.SpeechEvent] = []
    stream = engine.stream(language=language, conn_options=conn_options)
    try:
        for frame in buffer if isinstance(buffer, list) else [buffer]:
            stream.push_frame(mono_frame(frame))
        stream.end_input()
        async for event in stream:
            is_final = event.type is stt.SpeechEventType.FINAL_TRANSCRIPT
            if is_final and event.alternatives and event.alternatives[0].text:
                finals.append(event)
    finally:
        await stream.aclose()
    return _joined(finals) if finals else _empty(language)


def _joined(finals: list[stt.SpeechEvent]) -> stt.SpeechEvent:
    parts = [event.alternatives[0] for event in finals]
    words = [word for part in parts for word in part.words or ()]
    data = replace(
        parts[0],
        text=" ".join(part.text for part in parts),
        end_time=parts[-1].end_time,
        words=words or None,
    )
    return replace(finals[0], alternatives=[data])


def _empty(language: NotGivenOr[str]) -> stt.SpeechEvent:
    code = LanguageCode(language) if is_given(language) else LanguageCode("")
    data = stt.SpeechData(language=code, text="")
    return stt.SpeechEvent(stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[data])


def _moved(event: stt.SpeechEvent, by_s: float) -> stt.SpeechEvent:
    """Times of a recording as times of the stream."""
    moved = [
        replace(
            data,
            start_time=data.start_time + by_s if data.end_time else 0.0,
            end_time=data.end_time + by_s if data.end_time else 0.0,
            words=[_moved_word(word, by_s) for word in data.words] if data.words else data.words,
        )
        for data in event.alternatives
    ]
    return replace(event, alternatives=moved)


def _moved_word(word: TimedString, by_s: float) -> TimedString:
    start_s, end_s = word.start_time, word.end_time
    return TimedString(
        str(word),
        start_time=start_s + by_s if is_given(start_s) else NOT_GIVEN,
        end_time=end_s + by_s if is_given(end_s) else NOT_GIVEN,
    )
