"""VADs that break livekit's contract, one rule each, and the good one they are made of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from livekit import rtc
from livekit.agents import utils, vad
from livekit.plugins.speechcore import level_dbfs
from livekit.plugins.speechcore.vad import SpeechBounds
from livekit.plugins.speechio.vad import EngineVAD

from .audio import SPEECH_DBFS

BLOCK_S = 0.2
_BOUNDS = SpeechBounds()
WINDOW_SAMPLES = 320


@dataclass
class LoudnessDetector:
    """Takes loud windows for speech; raises `error` instead, if there is one."""

    error: Exception | None = None

    def score(self, window: bytes) -> float:
        if self.error is not None:
            raise self.error
        return 1.0 if level_dbfs(window) > SPEECH_DBFS - 15 else 0.0


def loudness_vad(error: Exception | None = None, bounds: SpeechBounds = _BOUNDS) -> EngineVAD:
    return EngineVAD(
        lambda: LoudnessDetector(error),
        model="loudness",
        provider="fake",
        window_samples=WINDOW_SAMPLES,
        bounds=bounds,
    )


Way = Callable[[vad.VADEvent], list[vad.VADEvent]]


def keep(event: vad.VADEvent) -> list[vad.VADEvent]:
    return [event]


def skip_silent_windows(event: vad.VADEvent) -> list[vad.VADEvent]:
    is_window = event.type is vad.VADEventType.INFERENCE_DONE
    return [] if is_window and not event.probability else [event]


def give_percent(event: vad.VADEvent) -> list[vad.VADEvent]:
    return [replace(event, probability=100 * event.probability)]


def leave_out_the_sound(event: vad.VADEvent) -> list[vad.VADEvent]:
    return [replace(event, frames=[])]


def give_the_last_window_only(event: vad.VADEvent) -> list[vad.VADEvent]:
    if event.type is not vad.VADEventType.END_OF_SPEECH:
        return [event]
    pcm = bytes(event.frames[-1].data)[-960:]
    last = rtc.AudioFrame(pcm, event.frames[-1].sample_rate, 1, len(pcm) // 2)
    return [replace(event, frames=[last])]


def say_when_instead_of_how_long(event: vad.VADEvent) -> list[vad.VADEvent]:
    return [replace(event, silence_duration=event.timestamp, speech_duration=event.timestamp)]


def never_end(event: vad.VADEvent) -> list[vad.VADEvent]:
    return [] if event.type is vad.VADEventType.END_OF_SPEECH else [event]


def always_speak(event: vad.VADEvent) -> list[vad.VADEvent]:
    return [replace(event, speaking=True)]


def hide_silence(event: vad.VADEvent) -> list[vad.VADEvent]:
    return [replace(event, raw_accumulated_silence=0.0)]


def hide_speech(event: vad.VADEvent) -> list[vad.VADEvent]:
    is_window = event.type is vad.VADEventType.INFERENCE_DONE
    return [replace(event, speech_duration=0.0) if is_window else event]


def block_the_loop(event: vad.VADEvent) -> list[vad.VADEvent]:
    if event.type is vad.VADEventType.START_OF_SPEECH:
        time.sleep(BLOCK_S)  # noqa: ASYNC251  # the very fault
    return [event]


class BadVAD(vad.VAD):
    """A good VAD whose events are changed on their way."""

    model = "bad"
    provider = "fake"

    def __init__(
        self,
        way: Way = keep,
        *,
        inner: vad.VAD | None = None,
        forgets_at_flush: bool = True,
        clings_to_life: bool = False,
        dies: Exception | None = None,
        shares_a_stream: bool = False,
    ) -> None:
        self.inner = inner or loudness_vad()
        super().__init__(capabilities=self.inner.capabilities)
        self.way = way
        self.forgets_at_flush = forgets_at_flush
        self.clings_to_life = clings_to_life
        self.dies = dies
        self.shares_a_stream = shares_a_stream
        self.shared: list[rtc.AudioFrame] = []

    @property
    def min_silence_duration(self) -> float:
        least_s: float = self.inner.min_silence_duration  # type: ignore[attr-defined]
        return least_s

    def stream(self) -> vad.VADStream:
        return _BadStream(self)


class _BadStream(vad.VADStream):
    def __init__(self, owner: BadVAD) -> None:
        self._owner = owner
        self._inner = owner.inner.stream()
        super().__init__(owner)

    async def _main_task(self) -> None:
        feeding = asyncio.create_task(self._feed(), name="bad-vad-feed")
        try:
            async for event in self._inner:
                for changed in self._owner.way(event):
                    self._event_ch.send_nowait(changed)
            await feeding
        finally:
            if self._owner.clings_to_life:
                await asyncio.sleep(BLOCK_S)
            await utils.aio.cancel_and_wait(feeding)
            await self._inner.aclose()

    async def _feed(self) -> None:
        async for item in self._input_ch:
            if not isinstance(item, rtc.AudioFrame):
                if self._owner.forgets_at_flush:
                    self._inner.flush()
                continue
            await asyncio.sleep(0)  # other streams get their turn
            if self._owner.dies is not None:
                await self._inner.aclose()
                raise self._owner.dies
            for frame in self._mixed(item):
                self._inner.push_frame(frame)
        self._inner.end_input()

    def _mixed(self, frame: rtc.AudioFrame) -> list[rtc.AudioFrame]:
        """Alternately its own sound and the other streams', when they share one."""
        if not self._owner.shares_a_stream:
            return [frame]
        self._owner.shared.append(frame)
        return self._owner.shared[-2:]
