"""A recogniser whose transcripts are all empty."""

from __future__ import annotations

import asyncio
from typing import Never

from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    LanguageCode,
    NotGivenOr,
    stt,
)
from livekit.agents.utils import AudioBuffer

_INTERIM, _FINAL = (
    stt.SpeechEventType.INTERIM_TRANSCRIPT,
    stt.SpeechEventType.FINAL_TRANSCRIPT,
)


class EmptySTT(stt.STT[Never]):
    """An interim and a final one without a word, every `every_s`, whatever is said."""

    def __init__(self, every_s: float) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))
        self.every_s = every_s

    @property
    def model(self) -> str:
        return "empty"

    @property
    def provider(self) -> str:
        return "fake"

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        return _EmptyStream(stt=self, conn_options=conn_options)

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        return _event(_FINAL)


class _EmptyStream(stt.RecognizeStream):
    async def _run(self) -> None:
        assert isinstance(self._stt, EmptySTT)
        while not self._input_ch.closed:
            await asyncio.sleep(self._stt.every_s)
            for kind in (_INTERIM, _FINAL):
                self._event_ch.send_nowait(_event(kind))


def _event(kind: stt.SpeechEventType) -> stt.SpeechEvent:
    return stt.SpeechEvent(
        type=kind, alternatives=[stt.SpeechData(language=LanguageCode("en"), text="")]
    )
