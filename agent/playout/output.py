"""livekit's audio output with the pacing in our hands, so that it can duck, hold and stop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Literal, Protocol

from livekit import rtc
from livekit.agents import utils
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities

from agent.playout.buffer import PlayoutBuffer, Samples

logger = logging.getLogger(__name__)

SAMPLE_RATE_HZ = 24_000
_LEAD_S = 0.05
"""A frame is handed over when less than this is queued before it: a busy loop may be so late."""

_DUCKED_LEAD_S = 0.02
"""The same while the agent may have to stop at any moment: what is queued cannot be taken back."""
_GAP_S = 0.02
"""Shorter silences are no gaps: the clocks of loop and sink differ by some milliseconds."""
_QUEUE_MS = 200
_TRACK = "roomio_audio"


class Sink(Protocol):
    """What plays: `rtc.AudioSource`, or a stand-in in tests."""

    @property
    def queued_duration(self) -> float: ...
    async def capture_frame(self, frame: rtc.AudioFrame) -> None: ...
    async def aclose(self) -> None: ...


class Playout(AudioOutput):
    """Set it as `session.output.audio` before the session starts; `aclose()` is its owner's."""

    def __init__(
        self, sink: Sink | None = None, *, clock: Callable[[], float] | None = None
    ) -> None:
        """`sink` defaults to a source that `publish` brings into a room, `clock` to the loop's."""
        super().__init__(
            label="playout",
            capabilities=AudioOutputCapabilities(pause=True),
            sample_rate=SAMPLE_RATE_HZ,
        )
        self.on_played: Callable[[Samples, float], None] = lambda samples, at_s: None
        """Called with each frame and the time, on `clock`, at which it is played."""
        self.on_failed: Callable[[], None] = lambda: None
        """Called when the track cannot be published: nobody will ever hear the agent."""
        self.on_gap: Callable[[float], None] = lambda gap_s: None
        """Called when speech goes on that had run dry, with the seconds of silence in its midst."""
        self._clock = clock or asyncio.get_running_loop().time
        self._sink = sink or rtc.AudioSource(SAMPLE_RATE_HZ, 1, queue_size_ms=_QUEUE_MS)
        self._buffer = PlayoutBuffer(SAMPLE_RATE_HZ)
        self._is_heard = asyncio.Event()
        if sink is not None:
            self._is_heard.set()
        self._has_work = asyncio.Event()
        self._is_free = asyncio.Event()
        self._is_free.set()
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._stops: set[Literal["livekit", "floor"]] = set()
        """Who wants nothing to be played for now."""
        self._started_s: float | None = None
        self._sounds_until_s: float | None = None
        """When all that was handed over has been played; None where silence is meant to follow."""
        self._is_interrupted = False
        self._is_abandoned = False
        self._publishing: asyncio.Task[None] | None = None
        self._playing = asyncio.create_task(self._play(), name="playout")

    @property
    def started_s(self) -> float | None:
        """When the segment that is being played began to sound, on `clock`; None when quiet."""
        return self._started_s

    @property
    def is_heard(self) -> bool:
        """Whether somebody can hear what is played."""
        return self._is_heard.is_set()

    @property
    def is_held(self) -> bool:
        """Whether nothing is played for now, so that the caller can speak."""
        return bool(self._stops)

    def publish(self, room: rtc.Room) -> None:
        """Brings the track into a connected room; nothing is played until somebody can hear it."""
        self._publishing = asyncio.create_task(self._publish(room), name="playout-publish")

    async def _publish(self, room: rtc.Room) -> None:
        try:
            await self._publish_track(room)
        except Exception:
            logger.exception("the agent's voice could not be published")
            self.on_failed()

    async def _publish_track(self, room: rtc.Room) -> None:
        assert isinstance(self._sink, rtc.AudioSource)
        track = rtc.LocalAudioTrack.create_audio_track(_TRACK, self._sink)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await room.local_participant.publish_track(track, options)
        await publication.wait_for_subscription()
        self._is_heard.set()

    async def aclose(self) -> None:
        tasks = [task for task in (self._publishing, self._playing) if task is not None]
        await utils.aio.cancel_and_wait(*tasks)
        await self._sink.aclose()

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        if not frame.samples_per_channel:
            return
        await self._is_heard.wait()
        await self._is_free.wait()  # the segment before is still being played
        await super().capture_frame(frame)
        self._buffer.push(bytes(frame.data))
        self._has_work.set()
        # A voice may give a whole sentence at once, from which livekit guesses its pace: 130 ms in one go.
        await asyncio.sleep(0)

    def flush(self) -> None:
        super().flush()
        if self._has_segment:
            self._is_free.clear()
            self._buffer.is_complete = True
            self._has_work.set()

    def clear_buffer(self) -> None:
        if self._has_segment:
            self._is_interrupted = True
            self._sounds_until_s = None
            self._is_free.clear()
            self._buffer.stop()
            self._stops.clear()
            self._is_open.set()
            self._has_work.set()

    def abandon(self) -> None:
        """Nobody is there any more: a segment that is interrupted ends at once, not after its sound."""
        self._is_abandoned = True

    def duck(self) -> None:
        self._buffer.duck()

    def restore(self) -> None:
        self._buffer.restore()

    def hold(self) -> None:
        """Nothing more is played until `release`, whatever livekit resumes; nothing is lost."""
        self._stop("floor")

    def release(self) -> None:
        self._go("floor")

    def pause(self) -> None:
        """livekit's own."""
        super().pause()
        self._stop("livekit")

    def resume(self) -> None:
        super().resume()
        self._go("livekit")

    def _stop(self, who: Literal["livekit", "floor"]) -> None:
        self._stops.add(who)
        self._sounds_until_s = None
        self._is_open.clear()

    def _go(self, who: Literal["livekit", "floor"]) -> None:
        self._stops.discard(who)
        if not self._stops:
            self._is_open.set()

    @property
    def _has_segment(self) -> bool:
        return self._buffer.played_samples > 0 or self._buffer.waiting_s > 0

    async def _play(self) -> None:
        while True:
            await self._has_work.wait()
            await self._is_open.wait()
            try:
                await self._play_step()
            except Exception:  # nobody could speak any more
                logger.exception("a part of the speech could not be played")
                self._is_interrupted = True
                self._finish(self._buffer.played_samples)

    async def _play_step(self) -> None:
        if self._is_interrupted and (self._is_abandoned or self._started_s is None):
            self._finish(self._buffer.played_samples)  # none where it never began to sound
        elif self._buffer.has_frame:
            await self._play_frame()
        elif self._buffer.is_over:
            await asyncio.sleep(self._sink.queued_duration)
            self._finish(self._buffer.played_samples)
        else:
            self._has_work.clear()

    async def _play_frame(self) -> None:
        lead_s = _DUCKED_LEAD_S if self._buffer.is_ducked else _LEAD_S
        ahead_s = self._sink.queued_duration - lead_s
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)
            if not self._is_open.is_set():
                return
        samples = self._buffer.next_frame()
        if samples is None:
            return
        if self._started_s is None:
            self._started_s = self._clock()
            self.on_playback_started(created_at=time.time())
        self._note_gap()
        self.on_played(samples, self._clock() + self._sink.queued_duration)
        await self._sink.capture_frame(
            rtc.AudioFrame(samples.tobytes(), SAMPLE_RATE_HZ, 1, len(samples))
        )
        if self._is_open.is_set():
            self._sounds_until_s = self._clock() + self._sink.queued_duration

    def _note_gap(self) -> None:
        if self._sounds_until_s is None or self._buffer.is_over:
            return  # the last piece, shorter than a frame, is kept until it is known to be the last
        gap_s = self._clock() - self._sounds_until_s
        if gap_s >= _GAP_S:
            self.on_gap(gap_s)

    def _finish(self, played_samples: int) -> None:
        was_interrupted = self._is_interrupted
        self._buffer.start_over()
        self._started_s = None
        self._sounds_until_s = None
        self._is_interrupted = False
        self._has_work.clear()
        self._is_free.set()
        self.on_playback_finished(
            playback_position=played_samples / SAMPLE_RATE_HZ, interrupted=was_interrupted
        )
