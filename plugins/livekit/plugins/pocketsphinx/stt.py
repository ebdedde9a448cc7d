"""pocketsphinx for livekit: streaming, with interims, early transcripts and manual flush."""

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
from livekit.plugins.speechcore import (
    BYTES_PER_SAMPLE,
    EngineThread,
    Recogniser,
    RecogniserSession,
    Transcript,
    duration_s,
)
from livekit.plugins.speechio import (
    frames_to_pcm,
    mono_frame,
    speech_event,
    to_api_error,
    usage_event,
)

from .engine import PocketsphinxEngine, check_language

_LANGUAGE = "en"
_STEP_S = 0.04
"""Audio collected before it goes to the engine."""

_LONGEST_STEP_S = 0.5
"""A step takes all the audio that waits, up to this: when the machine is slow interims get fewer."""

_USAGE_INTERVAL_S = 5.0
_UNFLUSHED_S = 5.0
"""Words that nobody flushes become final after so much quiet: the session's VAD has missed them,
and they must not be put before what is said minutes later."""


class STT(stt.STT[Never]):
    """English, from the model inside the pocketsphinx wheel: nothing to download, no key."""

    def __init__(self, *, engine: Recogniser | None = None, language: str = _LANGUAGE) -> None:
        """`engine`: a loaded one, which the caller closes; without it the STT makes and closes its own.

        Raises EngineError for a language other than English.
        """
        check_language(language)
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True,
                interim_results=True,
                aligned_transcript="word",
                offline_recognize=True,
                manual_flush=True,
            )
        )
        self._owns_engine = engine is None
        self._engine: Recogniser = PocketsphinxEngine() if engine is None else engine
        self._streams: weakref.WeakSet[RecognizeStream] = weakref.WeakSet()

    @property
    def model(self) -> str:
        return self._engine.model

    @property
    def provider(self) -> str:
        return "pocketsphinx"

    def prewarm(self) -> None:
        """Loads the model in the background, so that the first stream starts at once."""
        if isinstance(self._engine, PocketsphinxEngine):
            _in_background(self._engine.load)

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> RecognizeStream:
        """Raises EngineError for a language other than English."""
        if utils.is_given(language):
            check_language(language)
        stream = RecognizeStream(self, self._engine, conn_options)
        self._streams.add(stream)
        return stream

    async def aclose(self) -> None:
        for stream in tuple(self._streams):
            await stream.aclose()
        if self._owns_engine:
            _in_background(self._engine.close)

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        listener = _Listener(self._engine, conn_options.timeout)
        try:
            if utils.is_given(language):
                check_language(language)
            transcript = await listener.recognise(buffer)
        except Exception as e:
            raise to_api_error(e) from e
        finally:
            listener.close()
        kind = stt.SpeechEventType.FINAL_TRANSCRIPT
        return speech_event(
            kind, transcript, language=_LANGUAGE, request_id=utils.shortuuid("stt_")
        )


def _in_background(step: Callable[[], None]) -> None:
    thread = EngineThread("pocketsphinx-engine")
    thread.submit(step)
    thread.close()


class _Listener:
    """A session on a thread of its own. Every step has the deadline `timeout_s`."""

    def __init__(self, engine: Recogniser, timeout_s: float) -> None:
        self._engine = engine
        self._timeout_s = timeout_s
        self._thread = EngineThread("pocketsphinx-stt")
        self._session: RecogniserSession | None = None

    async def accept(self, pcm: bytes) -> Transcript:
        return await self._thread.call(
            lambda: self._opened().accept(pcm), timeout_s=self._timeout_s
        )

    async def finish(self) -> Transcript:
        return await self._thread.call(lambda: self._opened().finish(), timeout_s=self._timeout_s)

    async def recognise(self, buffer: AudioBuffer) -> Transcript:
        """A whole recording, in steps of a second."""
        rate_hz = self._engine.sample_rate_hz
        pcm = await self._thread.call(
            lambda: frames_to_pcm(buffer, rate_hz), timeout_s=self._timeout_s
        )
        step_bytes = rate_hz * BYTES_PER_SAMPLE
        for start in range(0, len(pcm), step_bytes):
            await self.accept(pcm[start : start + step_bytes])
        return await self.finish()

    def close(self) -> None:
        """Returns at once; the session closes after the step in progress."""
        self._thread.submit(self._close_session)
        self._thread.close()

    def _opened(self) -> RecogniserSession:
        # Opened on the thread that closes it: one that opens after a cancellation is closed too.
        if self._session is None:
            self._session = self._engine.open()
        return self._session

    def _close_session(self) -> None:
        if self._session is not None:
            self._session.close()


class RecognizeStream(stt.RecognizeStream):
    """One caller's audio, 8 to 48 kHz, mono or not.

    A flush gives a FINAL whenever audio came since the last one, an empty one when nothing was
    understood: a session that committed a turn waits for it. No audio, no FINAL.
    """

    def __init__(self, owner: STT, engine: Recogniser, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=owner, conn_options=conn_options, sample_rate=engine.sample_rate_hz)
        self._engine = engine
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
        listener = _Listener(self._engine, self._conn_options.timeout)
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

    async def _take(self, listener: _Listener, pcm: bytes) -> None:
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

    async def _finish(self, listener: _Listener) -> None:
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
                language=_LANGUAGE,
                offset_s=self.start_time_offset,
                request_id=self._request_id,
            )
        )

    def _send_usage(self) -> None:
        if self._unused_s <= 0 or self._event_ch.closed:
            return
        self._event_ch.send_nowait(usage_event(self._unused_s, request_id=self._request_id))
        self._unused_s = 0.0
