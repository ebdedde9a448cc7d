"""A livekit STT over any recogniser: streaming, with interims, early transcripts and manual flush."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Never

from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
    stt,
    utils,
)
from livekit.agents.utils import AudioBuffer
from livekit.plugins.speechcore import BYTES_PER_SAMPLE, EngineThread, Transcript, duration_s

from .errors import to_api_error
from .events import speech_event, usage_event
from .frames import frames_to_pcm, mono_frame
from .handles import Listener, RecogniserHandle

_STEP_S = 0.04
"""Audio collected before it goes to the engine."""

_LONGEST_STEP_S = 0.5
"""A step takes all the audio that waits, up to this: when the machine is slow interims get fewer."""

_USAGE_INTERVAL_S = 5.0
_UNFLUSHED_S = 5.0
"""Words that nobody flushes become final after so much quiet: the session's VAD has missed them,
and they must not be put before what is said minutes later."""


class EngineSTT(stt.STT[Never]):
    """Hears through a recogniser, wherever that is."""

    def __init__(
        self,
        engine: RecogniserHandle,
        *,
        provider: str,
        language: str,
        owns_engine: bool = True,
        aligned: bool = True,
    ) -> None:
        """`owns_engine`: `aclose()` closes it. `aligned`: it tells when each word was said."""
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True,
                interim_results=True,
                aligned_transcript="word" if aligned else False,
                offline_recognize=True,
                manual_flush=True,
            )
        )
        self._engine = engine
        self._provider = provider
        self._language = language
        self._owns_engine = owns_engine
        self._streams: weakref.WeakSet[EngineRecognizeStream] = weakref.WeakSet()

    @property
    def model(self) -> str:
        return self._engine.model

    @property
    def provider(self) -> str:
        return self._provider

    def prewarm(self) -> None:
        """Loads the model in the background, so that the first stream starts at once."""
        self._engine.load()

    def check_language(self, language: str) -> str:
        """The language as the engine is told it. Raises EngineError for one it does not know."""
        return language

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> EngineRecognizeStream:
        """Raises EngineError for a language the engine does not know."""
        chosen = self.check_language(language) if utils.is_given(language) else self._language
        stream = EngineRecognizeStream(self, self._engine, chosen, conn_options)
        self._streams.add(stream)
        return stream

    async def aclose(self) -> None:
        for stream in tuple(self._streams):
            await stream.aclose()
        if self._owns_engine:
            self._engine.close()

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        try:
            chosen = self.check_language(language) if utils.is_given(language) else self._language
            transcript = await self._recognise(buffer, chosen, conn_options.timeout)
        except Exception as e:
            raise to_api_error(e) from e
        kind = stt.SpeechEventType.FINAL_TRANSCRIPT
        return speech_event(
            kind,
            transcript,
            language=transcript.language or chosen,
            request_id=utils.shortuuid("stt_"),
        )

    async def _recognise(self, buffer: AudioBuffer, language: str, timeout_s: float) -> Transcript:
        """A whole recording, in steps of a second."""
        rate_hz = self._engine.sample_rate_hz
        pcm = await _off_the_loop(lambda: frames_to_pcm(buffer, rate_hz), timeout_s)
        step_bytes = rate_hz * BYTES_PER_SAMPLE
        listener = self._engine.listen(timeout_s=timeout_s, language=language)
        try:
            for start in range(0, len(pcm), step_bytes):
                await listener.accept(pcm[start : start + step_bytes])
            return await listener.finish()
        finally:
            listener.close()


async def _off_the_loop(step: Callable[[], bytes], timeout_s: float) -> bytes:
    thread = EngineThread("resampling")
    try:
        return await thread.call(step, timeout_s=timeout_s)
    finally:
        thread.close()


class EngineRecognizeStream(stt.RecognizeStream):
    """One caller's audio, 8 to 48 kHz, mono or not.

    A flush gives a FINAL whenever audio came since the last one, an empty one when nothing was
    understood: a session that committed a turn waits for it. No audio, no FINAL.
    """

    def __init__(
        self,
        owner: EngineSTT,
        engine: RecogniserHandle,
        language: str,
        conn_options: APIConnectOptions,
    ) -> None:
        super().__init__(stt=owner, conn_options=conn_options, sample_rate=engine.sample_rate_hz)
        self._engine = engine
        self._language = language
        self._rate_hz = engine.sample_rate_hz
        self._start_over()

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        super().push_frame(mono_frame(frame))

    def _start_over(self) -> None:
        self._unused_s = 0.0
        self._start_segment()

    def _start_segment(self) -> None:
        self._request_id = utils.shortuuid("stt_")
        self._sent: tuple[stt.SpeechEventType, str] | None = None
        self._segment_s = 0.0
        self._settled_s = 0.0

    async def _run(self) -> None:
        self._start_over()
        listener = self._engine.listen(
            timeout_s=self._conn_options.timeout,
            language=self._language,
            on_update=self._send_partial,
        )
        try:
            is_open = True
            while is_open:
                pcm, is_flushed, is_open = await self._next_step()
                await self._take(listener, pcm)
                if is_flushed and self._segment_s > 0:
                    await self._finish(listener)
        except Exception as e:
            raise to_api_error(e) from e
        finally:
            listener.close()
            self._send_usage()

    async def _next_step(self) -> tuple[bytes, bool, bool]:
        """The audio that waits, whether a flush follows it, and whether more may come."""
        pcm = bytearray()
        while True:
            try:
                item = await self._input_ch.recv()
            except utils.aio.ChanClosed:
                return bytes(pcm), False, False
            if not isinstance(item, rtc.AudioFrame):
                return bytes(pcm), True, True
            pcm += item.data
            waiting_s = len(pcm) / (BYTES_PER_SAMPLE * self._rate_hz)
            if waiting_s >= (_STEP_S if self._input_ch.empty() else _LONGEST_STEP_S):
                return bytes(pcm), False, True

    async def _take(self, listener: Listener, pcm: bytes) -> None:
        if not pcm:
            return
        step_s = duration_s(pcm, self._rate_hz)
        transcript = await listener.accept(pcm)
        self._unused_s += step_s
        self._segment_s += step_s
        self._settled_s = self._settled_s + step_s if transcript.is_settled else 0.0
        self._send_partial(transcript)
        if self._settled_s >= _UNFLUSHED_S:
            await self._finish(listener)
        if self._unused_s >= _USAGE_INTERVAL_S:
            self._send_usage()

    async def _finish(self, listener: Listener) -> None:
        transcript = await listener.finish()
        self._send(stt.SpeechEventType.FINAL_TRANSCRIPT, transcript)
        self._send_usage()
        self._start_segment()

    def _send_partial(self, transcript: Transcript) -> None:
        kind = stt.SpeechEventType.INTERIM_TRANSCRIPT
        sent_text = self._sent[1] if self._sent else ""
        if transcript.is_settled:
            kind = stt.SpeechEventType.PREFLIGHT_TRANSCRIPT
        elif sent_text == transcript.text:
            return
        # An empty interim takes back a word that was a noise: livekit forgets no interim for an
        # empty FINAL, and would add it to a turn that is committed by hand.
        if self._sent != (kind, transcript.text):
            self._send(kind, transcript)

    def _send(self, kind: stt.SpeechEventType, transcript: Transcript) -> None:
        self._sent = kind, transcript.text
        self._event_ch.send_nowait(
            speech_event(
                kind,
                transcript,
                language=transcript.language or self._language,
                offset_s=self.start_time_offset,
                request_id=self._request_id,
            )
        )

    def _send_usage(self) -> None:
        if self._unused_s <= 0 or self._event_ch.closed:
            return
        self._event_ch.send_nowait(usage_event(self._unused_s, request_id=self._request_id))
        self._unused_s = 0.0
