"""The local end-of-turn model, listening over a noise bed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from livekit import rtc
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, LanguageCode, inference
from numpy.random import default_rng

from agent.turns.noise_bed import NoiseBed

if TYPE_CHECKING:
    from livekit.agents.voice.turn import TurnDetectionEvent


class NoiseBedTurnDetector(inference.TurnDetector):
    """`v1-mini` pinned: the default version asks LiveKit's cloud in development mode.

    Its input gets a noise bed, because a gated or muted microphone delivers digital silence, to
    which the model answers "not done".
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__(version="v1-mini")
        self._seed = seed

    def stream(  # type: ignore[override]  # livekit asks for the protocol, not for its base class
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> _NoiseBedStream:
        inner = super().stream(conn_options=conn_options)
        return _NoiseBedStream(inner, NoiseBed(default_rng(self._seed)))


class _NoiseBedStream:
    """livekit's streaming turn detector protocol around another such stream."""

    def __init__(self, inner: Any, bed: NoiseBed) -> None:
        self._inner = inner
        self._bed = bed

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        self._inner.push_audio(
            rtc.AudioFrame(
                self._bed.add(bytes(frame.data)),
                frame.sample_rate,
                frame.num_channels,
                frame.samples_per_channel,
            )
        )

    @property
    def model(self) -> str:
        return str(self._inner.model)

    @property
    def provider(self) -> str:
        return str(self._inner.provider)

    @property
    def is_fallback(self) -> bool:
        return bool(self._inner.is_fallback)

    @property
    def prediction_timeout(self) -> float:
        return float(self._inner.prediction_timeout)

    async def unlikely_threshold(self, language: LanguageCode | None) -> float | None:
        threshold: float | None = await self._inner.unlikely_threshold(language)
        return threshold

    async def backchannel_threshold(self, language: LanguageCode | None) -> float | None:
        threshold: float | None = await self._inner.backchannel_threshold(language)
        return threshold

    async def supports_language(self, language: LanguageCode | None) -> bool:
        return bool(await self._inner.supports_language(language))

    def predict(self) -> asyncio.Future[TurnDetectionEvent]:
        prediction: asyncio.Future[TurnDetectionEvent] = self._inner.predict()
        return prediction

    def cancel_inference(self, *, timed_out: bool = False) -> None:
        self._inner.cancel_inference(timed_out=timed_out)

    def flush(self, reason: str | None = None) -> None:
        self._inner.flush(reason)

    def end_input(self) -> None:
        self._inner.end_input()

    async def aclose(self) -> None:
        await self._inner.aclose()
