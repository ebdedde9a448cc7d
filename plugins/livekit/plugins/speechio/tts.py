"""A livekit TTS over any `Synthesiser`."""

from __future__ import annotations

import contextlib
from typing import Never

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, tts, utils
from livekit.plugins.speechcore import EdgeFader, EngineThread, Synthesiser

from .errors import to_api_error
from .frames import PcmResampler

OUTPUT_SAMPLE_RATE_HZ = 24_000
"""Every voice of ours comes out at one rate, so that engines can replace each other in mid-call."""

_SILENCE = b"\0\0" * (OUTPUT_SAMPLE_RATE_HZ // 50)


class EngineTTS(tts.TTS[Never]):
    """Speaks through a `Synthesiser`, off the event loop, cancellable between its steps.

    Owns the engine: `aclose()` closes it.
    """

    def __init__(self, engine: Synthesiser, *, provider: str) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=OUTPUT_SAMPLE_RATE_HZ,
            num_channels=1,
        )
        self._engine = engine
        self._provider = provider
        self._thread = EngineThread(f"{provider}-tts")

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
        self._thread.submit(self._engine.close)
        self._thread.close()


class _EngineStream(tts.ChunkedStream):
    def __init__(self, owner: EngineTTS, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=owner, input_text=text, conn_options=conn_options)
        self._engine = owner._engine
        self._thread = owner._thread

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
        steps = self._thread.iterate(
            self._engine.steps(self._input_text), timeout_s=self._conn_options.timeout
        )
        try:
            async with contextlib.aclosing(steps):
                async for pcm in steps:
                    if ready := fader.process(resampler.push(pcm)):
                        output_emitter.push(ready)
                        heard = True
        except Exception as e:
            raise to_api_error(e, retryable=not heard) from e
        tail = fader.process(resampler.flush()) + fader.finish()
        # Text that has no sound ("…") is silence: livekit takes no audio at all for a failure.
        output_emitter.push(tail if heard or tail else _SILENCE)
