"""Somebody to measure with: asks one thing again and again, and listens to the answer."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable

import numpy as np
from livekit import rtc

from agent.main import rtc_configuration
from agent.private_files import Keys
from agent.web.tokens import JoinRequest, build_token

RATE_HZ = 24_000

_FRAME = RATE_HZ // 100
_QUEUE_MS = 200
_NOISE_RMS = 33.0
"""-60 dBFS, as of a microphone: in digital silence end-of-turn models answer wrongly."""
_SOUND = 300
_QUIET_S = 1.0
"""After which the agent is taken to have finished."""
_PATIENCE_S = 10.0
_JOIN_S = 20.0
_TTL_S = 600
_POLL_S = 0.02


class CallerError(Exception):
    """The call did not come about; the message says why."""


class TrialCaller:
    """`responses_s` and `unanswered` are of all questions so far."""

    def __init__(self, question: np.ndarray, seed: int) -> None:
        """`question`: int16 mono at RATE_HZ."""
        self._question = np.pad(question, (0, -len(question) % _FRAME)).reshape(-1, _FRAME)
        self._rng = np.random.default_rng(seed)
        self._room = rtc.Room()
        self._source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=_QUEUE_MS)
        self._tasks: list[asyncio.Task[None]] = []
        self._is_asking = False
        self._asked_s = 0.0
        self._sound_s = time.monotonic()
        self._first_sound_s: float | None = None
        self._is_heard = asyncio.Event()
        self.responses_s: list[float] = []
        self.unanswered = 0

    async def call(self, url: str, keys: Keys, agent_name: str) -> None:
        """Joins, and waits for the agent. Raises CallerError."""
        room = f"sizing-{secrets.token_hex(4)}"
        options = rtc.RoomOptions()
        if (configuration := rtc_configuration(url)) is not None:
            options.rtc_config = configuration
        self._room.on("track_subscribed", self._on_track)
        try:
            async with asyncio.timeout(_JOIN_S):
                await self._room.connect(url, _token(keys, room, agent_name), options=options)
                track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
                await self._room.local_participant.publish_track(
                    track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
                )
                self._tasks.append(asyncio.create_task(self._speak(), name="sizing-microphone"))
                await self._is_heard.wait()
        except rtc.ConnectError as e:
            raise CallerError(f"the room could not be joined: {e}") from None
        except TimeoutError:
            raise CallerError(f"the agent did not come within {_JOIN_S:g} s") from None

    async def talk(self) -> None:
        """Asks, listens to the end of the answer, and asks again, until it is cancelled."""
        while True:
            await self._until(lambda: time.monotonic() - self._sound_s > _QUIET_S)
            self._is_asking = True
            await self._until(lambda: not self._is_asking)
            if await self._until(lambda: self._first_sound_s is not None):
                assert self._first_sound_s is not None
                self.responses_s.append(self._first_sound_s - self._asked_s)
            else:
                self.unanswered += 1

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._room.disconnect()
        await self._source.aclose()

    async def _until(self, condition: Callable[[], bool]) -> bool:
        end_s = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > end_s:
                return False
            await asyncio.sleep(_POLL_S)
        return True

    async def _speak(self) -> None:
        """The queue behind the microphone sets the pace."""
        while True:
            if not self._is_asking:
                await self._send(np.zeros(_FRAME))
                continue
            for frame in self._question:
                await self._send(frame)
            self._asked_s = time.monotonic() + self._source.queued_duration
            self._first_sound_s = None
            self._is_asking = False

    async def _send(self, frame: np.ndarray) -> None:
        noisy = frame + self._rng.normal(0, _NOISE_RMS, _FRAME)
        pcm = np.clip(noisy, -32768, 32767).astype(np.int16).tobytes()
        await self._source.capture_frame(rtc.AudioFrame(pcm, RATE_HZ, 1, _FRAME))

    def _on_track(self, track: rtc.Track, *_: object) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._tasks.append(asyncio.create_task(self._listen(track), name="sizing-ears"))
            self._is_heard.set()

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1)
        try:
            async for event in stream:
                if np.abs(np.frombuffer(event.frame.data, dtype=np.int16)).max(initial=0) > _SOUND:
                    self._hear(time.monotonic())
        finally:
            await stream.aclose()

    def _hear(self, now_s: float) -> None:
        self._sound_s = now_s
        if self._first_sound_s is None and now_s > self._asked_s:
            self._first_sound_s = now_s


def _token(keys: Keys, room: str, agent_name: str) -> str:
    """For this caller, who is met by that agent and no other."""
    return build_token(
        JoinRequest(room_name=room, identity="sizing"),
        api_key=keys.api_key,
        api_secret=keys.api_secret,
        ttl_s=_TTL_S,
        agent_name=agent_name,
        agent_metadata=None,
    )
