"""livekit's local VAD, telling the session sooner when the caller pauses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import inference, utils, vad
from livekit.plugins.speechcore import level_dbfs

from agent.turns.gate import GateEvent, SpeechGate

logger = logging.getLogger(__name__)

_PIECES = 4
_ASKING_SILENCE_S = 0.2
"""The silence at which livekit asks its turn detector."""


class CallerVAD(vad.VAD):
    """`inference.VAD` through a `SpeechGate`: a pause is told after 0.1 s and dated to its sound.

    Does not expose `min_silence_duration`: the turn detector that goes with it waits by itself.
    END_OF_SPEECH carries no frames; only a recogniser that does not stream would read them.
    """

    def __init__(self, inner: vad.VAD | None = None) -> None:
        inner = inner or inference.VAD()
        super().__init__(
            capabilities=vad.VADCapabilities(update_interval=inner.capabilities.update_interval)
        )
        self._inner = inner
        self.on_window: Callable[[SpeechGate, GateEvent | None], None] = lambda gate, event: None
        """Called for each window before the session hears of it."""

    @property
    def model(self) -> str:
        return self._inner.model

    @property
    def provider(self) -> str:
        return self._inner.provider

    def stream(self) -> vad.VADStream:
        return _CallerVADStream(self, self._inner.stream())


class _CallerVADStream(vad.VADStream):
    def __init__(self, owner: CallerVAD, inner: vad.VADStream) -> None:
        self._inner = inner
        self._owner = owner
        self._gate = SpeechGate()
        super().__init__(owner)

    async def _main_task(self) -> None:
        feeding = asyncio.create_task(self._feed(), name="caller-vad-feed")
        try:
            async for event in self._inner:
                if event.type is vad.VADEventType.INFERENCE_DONE:
                    self._take(event)
        finally:
            await utils.aio.cancel_and_wait(feeding)
            await self._inner.aclose()

    async def _feed(self) -> None:
        async for item in self._input_ch:
            if isinstance(item, rtc.AudioFrame):
                self._inner.push_frame(item)
            else:
                self._inner.flush()
                self._gate = SpeechGate()
        self._inner.end_input()

    def _take(self, event: vad.VADEvent) -> None:
        window_s = self._owner.capabilities.update_interval
        change = self._gate.process(event.probability, _levels(event.frames), window_s)
        try:
            self._owner.on_window(self._gate, change)
        except Exception:  # livekit would hear nothing any more for the rest of the call
            logger.exception("a window of the VAD was not taken")
        if change is GateEvent.STARTED:
            self._send(vad.VADEventType.START_OF_SPEECH, event)
        has_paused = change is GateEvent.PAUSED
        self._send(
            vad.VADEventType.INFERENCE_DONE,
            event,
            frames=event.frames,
            probability=event.probability,
            speaking=self._gate.is_speaking or has_paused,
            raw_accumulated_speech=self._gate.speech_s if self._gate.is_speaking else 0.0,
            raw_accumulated_silence=0.0 if self._gate.is_speaking else self._asked_silence_s,
        )
        if has_paused:
            self._send(vad.VADEventType.END_OF_SPEECH, event)

    @property
    def _asked_silence_s(self) -> float:
        return max(_ASKING_SILENCE_S, self._gate.silence_s)

    def _send(self, kind: vad.VADEventType, event: vad.VADEvent, **others: Any) -> None:
        is_over = kind is not vad.VADEventType.END_OF_SPEECH and not self._gate.is_speaking
        self._event_ch.send_nowait(
            vad.VADEvent(
                type=kind,
                samples_index=event.samples_index,
                timestamp=event.timestamp,
                speech_duration=0.0 if is_over else self._gate.heard_s - self._gate.started_s,
                silence_duration=self._gate.silence_s,
                inference_duration=event.inference_duration,
                **others,
            )
        )


def _levels(frames: list[rtc.AudioFrame]) -> list[float]:
    samples = np.concatenate([np.frombuffer(frame.data, dtype=np.int16) for frame in frames])
    return [level_dbfs(piece.tobytes()) for piece in np.array_split(samples, _PIECES)]
