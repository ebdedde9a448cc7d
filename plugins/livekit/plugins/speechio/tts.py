"""A livekit TTS over any synthesiser."""

from __future__ import annotations

import contextlib
from typing import Never

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, tts, utils
from livekit.agents.types import TimedString
from livekit.plugins.speechcore import DEFAULT_VOICING, EdgeFader, SpeechChunk, Voicing

from .errors import to_api_error
from .frames import PcmResampler
from .handles import SynthesiserHandle

OUTPUT_SAMPLE_RATE_HZ = 24_000
"""Every voice of ours comes out at one rate, so that engines can replace each other in mid-call."""

_SILENCE = b"\0\0" * (OUTPUT_SAMPLE_RATE_HZ // 50)


class EngineTTS(tts.TTS[Never]):
    """Speaks through a synthesiser, wherever that is; cancellable between its steps."""

    def __init__(
        self,
        engine: SynthesiserHandle,
        *,
        provider: str,
        voicing: Voicing = DEFAULT_VOICING,
        owns_engine: bool = True,
        aligned: bool = False,
    ) -> None:
        """`owns_engine`: `aclose()` closes it. `aligned`: it tells when each word is spoken."""
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False, aligned_transcript=aligned),
            sample_rate=OUTPUT_SAMPLE_RATE_HZ,
            num_channels=1,
        )
        self._engine = engine
        self._provider = provider
        self._voicing = voicing
        self._owns_engine = owns_engine

    @property
    def model(self) -> str:
        return self._engine.model

    @property
    def provider(self) -> str:
        return self._provider

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _EngineStream(self, text, conn_options)

    async def aclose(self) -> None:
        if self._owns_engine:
            self._engine.close()


class _EngineStream(tts.ChunkedStream):
    def __init__(self, owner: EngineTTS, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=owner, input_text=text, conn_options=conn_options)
        self._engine = owner._engine
        self._voicing = owner._voicing

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=utils.shortuuid("tts_"),
            sample_rate=OUTPUT_SAMPLE_RATE_HZ,
            num_channels=1,
            mime_type="audio/pcm",
        )
        resampler = PcmResampler(self._engine.sample_rate_hz, OUTPUT_SAMPLE_RATE_HZ)
        fader = EdgeFader(OUTPUT_SAMPLE_RATE_HZ)
        heard = False
        steps = self._engine.speak(
            self._input_text, self._voicing, timeout_s=self._conn_options.timeout
        )
        try:
            async with contextlib.aclosing(steps):
                async for chunk in steps:
                    _push_words(output_emitter, chunk)
                    if ready := fader.process(resampler.push(chunk.pcm)):
                        output_emitter.push(ready)
                        heard = True
        except Exception as e:
            raise to_api_error(e, retryable=not heard) from e
        tail = fader.process(resampler.flush()) + fader.finish()
        # Text that has no sound ("…") is silence: livekit takes no audio at all for a failure.
        output_emitter.push(tail if heard or tail else _SILENCE)


def _push_words(output_emitter: tts.AudioEmitter, chunk: SpeechChunk) -> None:
    for word in chunk.words:
        timed = TimedString(word.text, start_time=word.start_s, end_time=word.end_s)
        output_emitter.push_timed_transcript(timed)
