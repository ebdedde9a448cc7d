"""Plugins that break livekit's contract, one rule each: they show that the suite can fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Never

from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    LanguageCode,
    NotGivenOr,
    llm,
    stt,
    tts,
)
from livekit.agents.utils import AudioBuffer
from livekit.plugins.simulated.tone import Tone

BLOCK_S = 0.2
RATE_HZ = 24_000


class _Identity:
    model = "bad"
    provider = "fake"


def _tone(duration_s: float, *, skip_samples: int = 0) -> bytes:
    tone = Tone(440, RATE_HZ)
    tone.make(skip_samples)
    return tone.make(round(duration_s * RATE_HZ))


async def speak_well(emitter: tts.AudioEmitter, text: str) -> None:
    emitter.push(_tone(3.0))


async def block_the_loop(emitter: tts.AudioEmitter, text: str) -> None:
    time.sleep(BLOCK_S)  # noqa: ASYNC251  # the very fault
    emitter.push(_tone(3.0))


async def ignore_the_deadline(emitter: tts.AudioEmitter, text: str) -> None:
    await asyncio.sleep(5.0)
    emitter.push(_tone(3.0))


async def raise_as_it_comes(emitter: tts.AudioEmitter, text: str) -> None:
    raise RuntimeError("onnx says no")


async def say_nothing_to_an_ellipsis(emitter: tts.AudioEmitter, text: str) -> None:
    if text.isalpha():
        emitter.push(_tone(1.0))


async def begin_with_a_click(emitter: tts.AudioEmitter, text: str) -> None:
    emitter.push(_tone(3.0, skip_samples=14))


async def click_in_the_midst(emitter: tts.AudioEmitter, text: str) -> None:
    emitter.push(_tone(1.0) + b"\xff\x7f" + _tone(2.0))


async def whisper(emitter: tts.AudioEmitter, text: str) -> None:
    emitter.push(b"\1\0" * 3 * RATE_HZ)


async def cling_to_life(emitter: tts.AudioEmitter, text: str) -> None:
    emitter.push(_tone(3.0))
    emitter.flush()
    try:
        await asyncio.sleep(60.0)
    finally:
        await asyncio.sleep(BLOCK_S)


async def leave_a_task(emitter: tts.AudioEmitter, text: str) -> None:
    left_tasks.append(asyncio.create_task(asyncio.sleep(60.0), name="left by a plugin"))
    emitter.push(_tone(3.0))


left_tasks: list[asyncio.Task[None]] = []

Way = Callable[[tts.AudioEmitter, str], Any]


class BadTTS(_Identity, tts.TTS[Never]):
    """Speaks in the way it is told, one of the functions above."""

    def __init__(self, way: Way) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=RATE_HZ,
            num_channels=1,
        )
        self.way = way

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _BadChunkedStream(self, text, conn_options)


class _BadChunkedStream(tts.ChunkedStream):
    def __init__(self, owner: BadTTS, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=owner, input_text=text, conn_options=conn_options)
        self._way = owner.way

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id="bad", sample_rate=RATE_HZ, num_channels=1, mime_type="audio/pcm"
        )
        await self._way(output_emitter, self._input_text)


class BadSTT(_Identity, stt.STT[Never]):
    """Hears `texts` after each flush, the last of them as FINAL, the others as PREFLIGHT."""

    def __init__(
        self,
        *texts: str,
        block_s: float = 0.0,
        language: str = "en",
        tells_usage: bool = True,
        error: Exception | None = None,
    ) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True, interim_results=True, manual_flush=True
            )
        )
        self.texts = texts
        self.block_s = block_s
        self.language = LanguageCode(language)
        self.tells_usage = tells_usage
        self.error = error

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        return _BadRecognizeStream(self, conn_options)

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        raise NotImplementedError


class _BadRecognizeStream(stt.RecognizeStream):
    def __init__(self, owner: BadSTT, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=owner, conn_options=conn_options)
        self._owner = owner

    async def _run(self) -> None:
        async for item in self._input_ch:
            if self._owner.error:
                raise self._owner.error
            if isinstance(item, rtc.AudioFrame):
                self._tell_usage(item)
            else:
                time.sleep(self._owner.block_s)  # noqa: ASYNC251  # the very fault
                self._tell()

    def _tell_usage(self, frame: rtc.AudioFrame) -> None:
        if self._owner.tells_usage:
            usage = stt.RecognitionUsage(audio_duration=frame.duration)
            self._event_ch.send_nowait(
                stt.SpeechEvent(stt.SpeechEventType.RECOGNITION_USAGE, recognition_usage=usage)
            )

    def _tell(self) -> None:
        *earlier, final = self._owner.texts
        kinds = [stt.SpeechEventType.INTERIM_TRANSCRIPT, stt.SpeechEventType.PREFLIGHT_TRANSCRIPT]
        events = [(kind, text) for text in earlier for kind in kinds]
        for kind, text in [*events, (stt.SpeechEventType.FINAL_TRANSCRIPT, final)]:
            data = stt.SpeechData(language=self._owner.language, text=text)
            self._event_ch.send_nowait(stt.SpeechEvent(kind, alternatives=[data]))


class BadLLM(_Identity, llm.LLM[Never]):
    """Answers with the chunks it is given, after blocking the loop if it is told so."""

    def __init__(self, *deltas: llm.ChoiceDelta, block_s: float = 0.0) -> None:
        super().__init__()
        self.deltas = deltas
        self.block_s = block_s

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        return _BadLLMStream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _BadLLMStream(llm.LLMStream):
    async def _run(self) -> None:
        assert isinstance(self._llm, BadLLM)
        time.sleep(self._llm.block_s)  # noqa: ASYNC251  # the very fault
        for delta in self._llm.deltas:
            self._event_ch.send_nowait(llm.ChatChunk(id="bad", delta=delta))
