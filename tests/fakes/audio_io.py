"""A microphone and a loudspeaker on the event loop's clock, for a session without a room."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from livekit import rtc
from livekit.agents.voice.io import AudioInput, AudioOutput, AudioOutputCapabilities, TextOutput

from .audio import BED_DBFS, SPEECH_DBFS, noise

INPUT_RATE_HZ = 24_000
OUTPUT_RATE_HZ = 24_000
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
        self._spans: list[tuple[float, float]] = []
        self._bed = noise(_LOOP_S, bed_dbfs, INPUT_RATE_HZ)
        self._speech = noise(_LOOP_S, SPEECH_DBFS, INPUT_RATE_HZ, seed=1)

    @property
    def next_frame_s(self) -> float:
        """When the first frame begins that is still to come, on the loop's clock."""
        return self._begun_s + (self._count + 1) * self.frame_s

    def speak(self, start_s: float, duration_s: float) -> None:
        """There is sound for so long from `start_s` on the loop's clock."""
        self._spans.append((start_s, start_s + duration_s))

    async def __anext__(self) -> rtc.AudioFrame:
        start_s = self._begun_s + self._count * self.frame_s
        await asyncio.sleep(start_s + self.frame_s - self._loop.time())
        middle_s = start_s + self.frame_s / 2
        self._spans = [span for span in self._spans if span[1] > start_s]
        is_loud = any(begin <= middle_s < end for begin, end in self._spans)
        samples = round(self.frame_s * INPUT_RATE_HZ)
        at_bytes = 2 * samples * (self._count % (_LOOP_S * INPUT_RATE_HZ // samples))
        pcm = (self._speech if is_loud else self._bed)[at_bytes : at_bytes + 2 * samples]
        self._count += 1
        return rtc.AudioFrame(pcm, INPUT_RATE_HZ, 1, samples)


@dataclass(frozen=True)
class Played:
    """A segment that went out of the loudspeaker; seconds, the start on the loop's clock."""

    started_s: float | None
    """None when it was cleared before it could begin."""
    duration_s: float
    is_whole: bool


class Loudspeaker(AudioOutput):
    """Plays in real time whatever comes faster; can be paused; keeps what was heard."""

    def __init__(self) -> None:
        super().__init__(
            label="loudspeaker",
            capabilities=AudioOutputCapabilities(pause=True),
            sample_rate=OUTPUT_RATE_HZ,
        )
        self.played: list[Played] = []
        self._loop = asyncio.get_running_loop()
        self._is_free = asyncio.Event()
        self._is_free.set()
        self._is_paused = False
        self._ending: asyncio.TimerHandle | None = None
        self._started_s: float | None = None
        self._captured_s = 0.0
        self._played_s = 0.0
        self._advanced_s = self._loop.time()

    @property
    def is_playing(self) -> bool:
        """Whether sound comes out at this moment."""
        self._advance()
        return not self._is_paused and self._played_s < self._captured_s

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await self._is_free.wait()  # the segment before is still playing
        await super().capture_frame(frame)
        self._advance()
        self._captured_s += frame.duration
        self._begin()

    def flush(self) -> None:
        super().flush()
        if self._captured_s:
            self._is_free.clear()
            self._end_when_played()

    def clear_buffer(self) -> None:
        if self._captured_s:
            self._finish(is_whole=False)

    def pause(self) -> None:
        super().pause()
        self._advance()
        self._is_paused = True
        if self._ending is not None:
            self._ending.cancel()

    def resume(self) -> None:
        super().resume()
        self._advance()
        self._is_paused = False
        self._begin()
        if not self._is_free.is_set():
            self._end_when_played()

    def _begin(self) -> None:
        if self._started_s is None and self._captured_s and not self._is_paused:
            self._started_s = self._loop.time()
            self.on_playback_started(created_at=time.time())

    def _advance(self) -> None:
        """Moves the playhead to now, or to the end of what there is to play."""
        now_s = self._loop.time()
        if not self._is_paused:
            self._played_s = min(self._captured_s, self._played_s + now_s - self._advanced_s)
        self._advanced_s = now_s

    def _end_when_played(self) -> None:
        self._advance()
        if self._ending is not None:
            self._ending.cancel()
        if not self._is_paused:
            left_s = self._captured_s - self._played_s
            self._ending = self._loop.call_later(left_s, lambda: self._finish(is_whole=True))

    def _finish(self, *, is_whole: bool) -> None:
        self._advance()
        if self._ending is not None:
            self._ending.cancel()
        played_s = self._captured_s if is_whole else self._played_s
        self.played.append(Played(self._started_s, played_s, is_whole))
        self._clear_segment()
        self._is_free.set()
        self.on_playback_finished(playback_position=played_s, interrupted=not is_whole)

    def _clear_segment(self) -> None:
        self._started_s = self._ending = None
        self._captured_s = self._played_s = 0.0


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
