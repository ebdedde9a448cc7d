"""A microphone and a loudspeaker on the event loop's clock, for a session without a room."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
from livekit import rtc
from livekit.agents.voice.io import (
    AudioInput,
    PlaybackFinishedEvent,
    PlaybackStartedEvent,
    TextOutput,
)

from agent.playout import Playout

from .audio import BED_DBFS, SPEECH_DBFS, noise

INPUT_RATE_HZ = 24_000
_LOOP_S = 1


class Microphone(AudioInput):
    """Frames of a noise bed, each when it is over; louder while the caller speaks."""

    def __init__(self, *, frame_s: float = 0.02, bed_dbfs: float = BED_DBFS) -> None:
        """-inf dBFS is a muted microphone: digital silence."""
        super().__init__(label="microphone")
        self.frame_s = frame_s
        self._loop = asyncio.get_running_loop()
        self._begun_s = self._loop.time()
        self._count = 0
        self._spans: list[tuple[float, float, float]] = []
        self._is_on = asyncio.Event()
        self._is_on.set()
        self._bed = noise(_LOOP_S, bed_dbfs, INPUT_RATE_HZ)
        self._speech = noise(_LOOP_S, SPEECH_DBFS, INPUT_RATE_HZ, seed=1)

    @property
    def next_frame_s(self) -> float:
        """When the first frame begins that is still to come, on the loop's clock."""
        return self._begun_s + (self._count + 1) * self.frame_s

    def speak(self, start_s: float, duration_s: float, level_dbfs: float = SPEECH_DBFS) -> None:
        """There is sound for so long from `start_s` on the loop's clock."""
        gain = 10 ** ((level_dbfs - SPEECH_DBFS) / 20)
        self._spans.append((start_s, start_s + duration_s, gain))

    def switch_off(self) -> None:
        """No more frames come, as from a track that was muted."""
        self._is_on.clear()

    async def __anext__(self) -> rtc.AudioFrame:
        await self._is_on.wait()
        start_s = self._begun_s + self._count * self.frame_s
        await asyncio.sleep(start_s + self.frame_s - self._loop.time())
        middle_s = start_s + self.frame_s / 2
        self._spans = [span for span in self._spans if span[1] > start_s]
        gains = [gain for begin, end, gain in self._spans if begin <= middle_s < end]
        samples = round(self.frame_s * INPUT_RATE_HZ)
        at_bytes = 2 * samples * (self._count % (_LOOP_S * INPUT_RATE_HZ // samples))
        pcm = (self._speech if gains else self._bed)[at_bytes : at_bytes + 2 * samples]
        if gains and gains[0] != 1:
            pcm = (np.frombuffer(pcm, dtype=np.int16) * gains[0]).astype(np.int16).tobytes()
        self._count += 1
        return rtc.AudioFrame(pcm, INPUT_RATE_HZ, 1, samples)


@dataclass(frozen=True)
class Played:
    """A segment that went out of the loudspeaker; seconds, the start on the loop's clock."""

    started_s: float | None
    """None when it was cleared before it could begin."""
    duration_s: float
    is_whole: bool


class Loudspeaker(Playout):
    """The agent's own output, into a sink that plays in real time; keeps what was heard."""

    def __init__(self) -> None:
        self.sink = PlayedSound()
        super().__init__(self.sink, clock=asyncio.get_running_loop().time)
        self.played: list[Played] = []
        self._begun_s: float | None = None
        self.on("playback_started", self._note_start)
        self.on("playback_finished", self._note_end)

    @property
    def is_playing(self) -> bool:
        """Whether sound comes out at this moment."""
        return self.sink.queued_duration > 0

    def _note_start(self, _: PlaybackStartedEvent) -> None:
        self._begun_s = asyncio.get_running_loop().time()

    def _note_end(self, event: PlaybackFinishedEvent) -> None:
        self.played.append(Played(self._begun_s, event.playback_position, not event.interrupted))
        self._begun_s = None


class PlayedSound:
    """A sink on the loop's clock that keeps every sample with the time it was played."""

    def __init__(self) -> None:
        self.frames: list[tuple[float, rtc.AudioFrame]] = []
        self._loop = asyncio.get_running_loop()
        self._dry_s = 0.0

    @property
    def queued_duration(self) -> float:
        return max(0.0, self._dry_s - self._loop.time())

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        at_s = max(self._dry_s, self._loop.time())
        self.frames.append((at_s, frame))
        self._dry_s = at_s + frame.duration

    async def aclose(self) -> None: ...


class Subtitles(TextOutput):
    """The words of the agent as they are spoken, a line a segment."""

    def __init__(self) -> None:
        super().__init__(label="subtitles", next_in_chain=None)
        self.text = ""

    async def capture_text(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        if self.text and not self.text.endswith("\n"):
            self.text += "\n"
