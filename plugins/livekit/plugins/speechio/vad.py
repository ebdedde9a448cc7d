"""A livekit VAD over any voice detector."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from livekit import rtc
from livekit.agents import vad
from livekit.plugins.speechcore import BYTES_PER_SAMPLE, to_mono
from livekit.plugins.speechcore.vad import SpeechBounds, SpeechChange, SpeechState, VoiceDetector

from .frames import PcmResampler

logger = logging.getLogger(__name__)

DETECTOR_RATE_HZ = 16_000

_PREFIX_S = 0.5
"""What END_OF_SPEECH carries of the sound before speech was noticed."""

_LONGEST_SPEECH_S = 60.0
"""Of longer speech END_OF_SPEECH carries the beginning; everything else goes on."""


class EngineVAD(vad.VAD):
    """Scores windows of 16 kHz sound on the event loop, one at a time.

    For detectors that need less than 0.2 ms a window: the way to a thread and back takes 0.15 ms
    (measured with livekit's own VAD), and no other work waits longer than for one window.
    A window that fails counts as no speech; the first of a stream that does is logged.
    """

    def __init__(
        self,
        make_detector: Callable[[], VoiceDetector],
        *,
        model: str,
        provider: str,
        window_samples: int,
        bounds: SpeechBounds,
    ) -> None:
        """`make_detector` is called once here, so that what it raises is raised now, and again
        for each stream and after each flush."""
        make_detector()
        window_s = window_samples / DETECTOR_RATE_HZ
        super().__init__(capabilities=vad.VADCapabilities(update_interval=window_s))
        self._make_detector = make_detector
        self._model = model
        self._provider = provider
        self._window_samples = window_samples
        self._bounds = bounds

    @property
    def model(self) -> str:
        return self._model

    @property
    def provider(self) -> str:
        return self._provider

    @property
    def min_silence_duration(self) -> float:
        """Seconds; livekit's turn detector asks for it."""
        return self._bounds.least_silence_s

    def stream(self) -> vad.VADStream:
        return _EngineVADStream(
            self,
            lambda rate_hz: _Segment(
                rate_hz, self._make_detector, self._window_samples, self._bounds
            ),
        )


class _EngineVADStream(vad.VADStream):
    def __init__(self, owner: EngineVAD, begin: Callable[[int], _Segment]) -> None:
        self._begin = begin
        self._has_failed = False
        super().__init__(owner)

    async def _main_task(self) -> None:
        segment: _Segment | None = None
        async for item in self._input_ch:
            if not isinstance(item, rtc.AudioFrame):
                segment = None
                continue
            if segment is None or segment.rate_hz != item.sample_rate:
                segment = self._begin(item.sample_rate)
            segment.push(to_mono(bytes(item.data), item.num_channels))
            while segment.has_window:
                self._take(segment)
                await asyncio.sleep(0)  # a long frame holds many windows

    def _take(self, segment: _Segment) -> None:
        begun_s = time.perf_counter()
        try:
            probability = segment.score()
        except Exception:  # livekit would hear nothing any more for the rest of the call
            probability = 0.0
            if not self._has_failed:
                logger.exception("the voice detector failed", extra={"model": self._vad.model})
            self._has_failed = True
        for event in segment.advance(probability, time.perf_counter() - begun_s):
            self._event_ch.send_nowait(event)


class _Segment:
    """The sound since the last flush, at the rate it came in and at the detector's."""

    def __init__(
        self,
        rate_hz: int,
        make_detector: Callable[[], VoiceDetector],
        window_samples: int,
        bounds: SpeechBounds,
    ) -> None:
        self.rate_hz = rate_hz
        self._make_detector = make_detector
        self._detector: VoiceDetector | None = None
        self._state = SpeechState(bounds)
        self._window_samples = window_samples
        self._resampler = PcmResampler(rate_hz, DETECTOR_RATE_HZ, rtc.AudioResamplerQuality.QUICK)
        self._waiting = bytearray()
        self._scored_samples = 0
        self._input = bytearray()
        self._passed_samples = 0
        self._speech = _SpeechBuffer(rate_hz)

    def push(self, pcm: bytes) -> None:
        self._input += pcm
        self._waiting += self._resampler.push(pcm)

    @property
    def has_window(self) -> bool:
        return len(self._waiting) >= self._window_samples * BYTES_PER_SAMPLE

    def score(self) -> float:
        """Of the window that waits, which is taken even when the detector fails."""
        window_bytes = self._window_samples * BYTES_PER_SAMPLE
        window = bytes(self._waiting[:window_bytes])
        del self._waiting[:window_bytes]
        if self._detector is None:
            self._detector = self._make_detector()
        return self._detector.score(window)

    def advance(self, probability: float, inference_s: float) -> list[vad.VADEvent]:
        """What the session hears of one window; frames hold the sound as it came in."""
        pcm = self._sound_of_window()
        change = self._state.process(probability, self._window_samples / DETECTOR_RATE_HZ)
        self._speech.add(pcm)
        done = self._event(
            vad.VADEventType.INFERENCE_DONE,
            frames=[_frame(pcm, self.rate_hz)],
            speech_duration=self._state.speech_s,
            probability=probability,
            inference_duration=inference_s,
        )
        events = [done, *self._changed(change)]
        if not self._state.is_speaking and not self._state.likely_s:
            self._speech.keep_prefix()
        return events

    def _sound_of_window(self) -> bytes:
        """The input that the window was made of, but for the resampler's delay of some samples."""
        self._scored_samples += self._window_samples
        end_samples = self._scored_samples * self.rate_hz // DETECTOR_RATE_HZ
        count_bytes = (end_samples - self._passed_samples) * BYTES_PER_SAMPLE
        self._passed_samples = end_samples
        pcm = bytes(self._input[:count_bytes])
        del self._input[:count_bytes]
        return pcm

    def _changed(self, change: SpeechChange | None) -> list[vad.VADEvent]:
        if change is None:
            return []
        has_started = change is SpeechChange.STARTED
        kinds = vad.VADEventType
        event = self._event(
            kinds.START_OF_SPEECH if has_started else kinds.END_OF_SPEECH,
            frames=[_frame(self._speech.pcm, self.rate_hz)],
            speech_duration=self._state.speech_s if has_started else self._state.last_speech_s,
        )
        return [event]

    def _event(self, kind: vad.VADEventType, **others: Any) -> vad.VADEvent:
        return vad.VADEvent(
            type=kind,
            samples_index=self._scored_samples,
            timestamp=self._scored_samples / DETECTOR_RATE_HZ,
            silence_duration=self._state.silence_s,
            speaking=self._state.is_speaking,
            raw_accumulated_speech=self._state.likely_s,
            raw_accumulated_silence=self._state.unlikely_s,
            **others,
        )


class _SpeechBuffer:
    """The speech in progress and `_PREFIX_S` before it, `_LONGEST_SPEECH_S` at most."""

    def __init__(self, rate_hz: int) -> None:
        self.pcm = bytearray()
        self._prefix_bytes = round(_PREFIX_S * rate_hz) * BYTES_PER_SAMPLE
        self._most_bytes = (
            self._prefix_bytes + round(_LONGEST_SPEECH_S * rate_hz) * BYTES_PER_SAMPLE
        )

    def add(self, pcm: bytes) -> None:
        self.pcm += pcm[: max(0, self._most_bytes - len(self.pcm))]

    def keep_prefix(self) -> None:
        del self.pcm[: -self._prefix_bytes]


def _frame(pcm: bytes | bytearray, rate_hz: int) -> rtc.AudioFrame:
    return rtc.AudioFrame(bytes(pcm), rate_hz, 1, len(pcm) // BYTES_PER_SAMPLE)
