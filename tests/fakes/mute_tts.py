"""A TTS that hangs: it takes every text and never ends."""

from __future__ import annotations

import asyncio
from typing import Never

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, tts, utils

from tests.fakes.scripted_llm import HANG

_RATE_HZ = 24_000


class MuteTTS(tts.TTS[Never]):
    """Gives `sound_s` of sound before it says nothing more."""

    def __init__(self, sound_s: float = 0.0) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False), sample_rate=_RATE_HZ, num_channels=1
        )
        self.sound_s = sound_s

    @property
    def model(self) -> str:
        return "mute"

    @property
    def provider(self) -> str:
        return "fake"

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _MuteStream(tts=self, input_text=text, conn_options=conn_options)


class _MuteStream(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        assert isinstance(self._tts, MuteTTS)
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=_RATE_HZ,
            num_channels=1,
            mime_type="audio/pcm",
        )
        if self._tts.sound_s:
            output_emitter.push(b"\x20\x10" * round(self._tts.sound_s * _RATE_HZ))
            output_emitter.flush()
        await asyncio.sleep(HANG)
