"""A voice activity detector and a turn detector whose verdicts a test knows beforehand."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from livekit import rtc
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, LanguageCode, vad
from livekit.agents.voice.turn import TurnDetectionEvent
from livekit.plugins.speechcore import level_dbfs

from .audio import SPEECH_DBFS

MIN_SPEECH_S = 0.05
MIN_SILENCE_S = 0.25


class LoudnessVAD(vad.VAD):
    """Takes loud frames for speech, one window a frame, with the times of `inference.VAD`."""

    def __init__(self) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=0.02))

    @property
    def min_silence_duration(self) -> float:
        return MIN_SILENCE_S

    def stream(self) -> vad.VADStream:
        return _LoudnessStream(self)


@dataclass
class _Activity:
    """What a frame has made of the state so far; seconds."""

    speaking: bool = False
    loud_s: float = 0.0
    quiet_s: float = 0.0
    state_s: float = 0.0
    """How long the caller has been speaking or silent."""

    def process(self, is_loud: bool, duration_s: float) -> vad.VADEventType | None:
        self.loud_s = self.loud_s + duration_s if is_loud else 0.0
        self.quiet_s = 0.0 if is_loud else self.quiet_s + duration_s
        self.state_s += duration_s
        if not self.speaking and self.loud_s >= MIN_SPEECH_S:
            self.speaking, self.state_s = True, self.loud_s
            return vad.VADEventType.START_OF_SPEECH
        if self.speaking and self.quiet_s >= MIN_SILENCE_S:
            self.speaking, self.state_s = False, self.quiet_s
            return vad.VADEventType.END_OF_SPEECH
        return None


class _LoudnessStream(vad.VADStream):
    async def _main_task(self) -> None:
        activity = _Activity()
        heard_samples = 0
        async for item in self._input_ch:
            if not isinstance(item, rtc.AudioFrame):
                activity = _Activity()
                continue
            heard_samples += item.samples_per_channel
            is_loud = level_dbfs(bytes(item.data)) > SPEECH_DBFS - 15
            said_s = activity.state_s
            change = activity.process(is_loud, item.duration)
            self._send(vad.VADEventType.INFERENCE_DONE, activity, heard_samples, item)
            if change is not None:
                if change is vad.VADEventType.END_OF_SPEECH:
                    activity_end = _Activity(False, 0.0, activity.quiet_s, said_s)
                    self._send(change, activity_end, heard_samples, item)
                else:
                    self._send(change, activity, heard_samples, item)

    def _send(
        self, kind: vad.VADEventType, activity: _Activity, samples: int, frame: rtc.AudioFrame
    ) -> None:
        is_end = kind is vad.VADEventType.END_OF_SPEECH
        has_spoken = activity.speaking or is_end
        self._event_ch.send_nowait(
            vad.VADEvent(
                type=kind,
                samples_index=samples,
                timestamp=samples / frame.sample_rate,
                speech_duration=activity.state_s if has_spoken else 0.0,
                silence_duration=activity.quiet_s if not activity.speaking else 0.0,
                frames=[frame],
                probability=1.0 if activity.loud_s else 0.0,
                speaking=activity.speaking,
                raw_accumulated_silence=activity.quiet_s,
                raw_accumulated_speech=activity.loud_s,
            )
        )


class SettledTurnDetector:
    """livekit's streaming turn detector protocol with the same answer to every question."""

    def __init__(self, probability: float = 1.0) -> None:
        self.probability = probability
        self.model = "settled"
        self.provider = "tests"

    def stream(
        self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> _SettledStream:
        return _SettledStream(self)


class _SettledStream:
    def __init__(self, owner: SettledTurnDetector) -> None:
        self._owner = owner
        self.model = owner.model
        self.provider = owner.provider
        self.is_fallback = False
        self.prediction_timeout = 1.0

    async def unlikely_threshold(self, language: LanguageCode | None) -> float | None:
        return 0.5

    async def backchannel_threshold(self, language: LanguageCode | None) -> float | None:
        return None

    async def supports_language(self, language: LanguageCode | None) -> bool:
        return True

    def predict(self) -> asyncio.Future[TurnDetectionEvent]:
        prediction = asyncio.get_running_loop().create_future()
        prediction.set_result(
            TurnDetectionEvent("eot_prediction", self._owner.probability, time.time())
        )
        return prediction

    def cancel_inference(self, *, timed_out: bool = False) -> None: ...

    def flush(self, reason: str | None = None) -> None: ...

    def push_audio(self, frame: rtc.AudioFrame) -> None: ...

    def end_input(self) -> None: ...

    async def aclose(self) -> None: ...
