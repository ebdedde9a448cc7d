"""A person in a real room: a microphone that never stops, ears with a clock, and a notepad."""

from __future__ import annotations

import asyncio
import json
import time
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from livekit import api, rtc

RATE_HZ = 48_000
NOISE_DBFS = -60.0
_PLUG_S = 20.0
"""So long the room may take for a microphone to come or go."""


def resample(samples: np.ndarray, rate_hz: int, to_hz: int) -> np.ndarray:
    """int16 mono samples at another rate."""
    if rate_hz == to_hz:
        return samples
    resampler = rtc.AudioResampler(rate_hz, to_hz, quality=rtc.AudioResamplerQuality.HIGH)
    frames = [*resampler.push(bytearray(samples.tobytes())), *resampler.flush()]
    return np.concatenate([np.frombuffer(f.data, dtype=np.int16) for f in frames])


def join_token(
    key: str, secret: str, room: str, identity: str, agent_name: str = "", metadata: str = ""
) -> str:
    """A caller's token; with `agent_name` it asks for that agent."""
    token = (
        api.AccessToken(key, secret)
        .with_identity(identity)
        .with_grants(api.VideoGrants(room_join=True, room=room))
    )
    if agent_name:
        dispatch = api.RoomAgentDispatch(agent_name=agent_name, metadata=metadata)
        token = token.with_room_config(api.RoomConfiguration(agents=[dispatch]))
    return token.to_jwt()


def loopback_options() -> rtc.RoomOptions:
    """No STUN server outside this machine."""
    stun = rtc.IceServer(urls=["stun:127.0.0.1:3478"])
    return rtc.RoomOptions(rtc_config=rtc.RtcConfiguration(ice_servers=[stun]))


def queue_ms(piece_ms: int) -> int:
    """Behind a microphone that is fed such pieces: none takes 10 ms at a time, and only that."""
    return 0 if piece_ms == 10 else 2 * piece_ms


@dataclass
class Heard:
    """A frame of the agent's audio: when it came (monotonic seconds) and its samples."""

    at_s: float
    samples: np.ndarray

    @cached_property
    def is_sound(self) -> bool:
        return bool(np.abs(self.samples).max(initial=0) > 300)


@dataclass
class Caller:
    """Joins, speaks, listens. `closed` is set when the room has gone."""

    identity: str = "caller"
    microphone: bool = True
    rate_hz: int = RATE_HZ
    """Of the microphone; what is said is given at 48 kHz."""
    noise_dbfs: float | None = NOISE_DBFS
    """None for digital silence."""
    piece_ms: int = 10
    """Sound goes out and comes in in pieces of so much. Of 50 a caller costs half as much."""
    heard: list[Heard] = field(default_factory=list)
    transcripts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By segment id: who, text, final."""
    turns: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    receipts: list[dict[str, Any]] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    stalled: bool = False
    """While it is set the microphone sends nothing at all, not even silence."""
    lateness_s: list[float] = field(default_factory=list)
    """How late each microphone frame was sent."""
    has_joined: bool = False

    async def join(self, url: str, token: str) -> None:
        self.has_joined = True
        self.room = rtc.Room()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._speech: deque[np.ndarray] = deque()
        self._spoken = asyncio.Event()
        self.room.on("track_subscribed", self._on_track)
        self.room.on("disconnected", lambda *_: self.closed.set())
        self.room.register_text_stream_handler("lk.transcription", self._on_transcript)
        self.room.register_text_stream_handler("parley.turn", self._collect(self.turns))
        self.room.register_text_stream_handler("parley.notice", self._collect(self.notices))
        self.room.register_text_stream_handler("parley.receipt", self._collect(self.receipts))
        await self.room.connect(url, token, options=loopback_options())
        self.joined_s = time.monotonic()
        if self.microphone:
            await self.plug_in()

    async def plug_in(self) -> None:
        """Has a microphone from now on."""
        source = rtc.AudioSource(self.rate_hz, 1, queue_size_ms=queue_ms(self.piece_ms))
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        async with asyncio.timeout(_PLUG_S):
            published = await self.room.local_participant.publish_track(track, options)
        self._plug = published, self._spawn(self._capture(source))

    async def wait_until_connected(self) -> None:
        """Until somebody listens to the microphone."""
        async with asyncio.timeout(_PLUG_S):
            await self._plug[0].wait_for_subscription()

    async def unplug(self) -> None:
        """Has no microphone."""
        published, capturing = self._plug
        capturing.cancel()
        async with asyncio.timeout(_PLUG_S):
            await asyncio.wait([capturing])
            await self.room.local_participant.unpublish_track(published.sid)

    async def say(self, samples: np.ndarray) -> float:
        """Speaks int16 mono samples at 48 kHz; returns when (monotonic) the last one was sent."""
        self._spoken.clear()
        samples = resample(samples, RATE_HZ, self.rate_hz)
        length = self._piece_samples
        self._speech.extend(np.pad(samples, (0, -len(samples) % length)).reshape(-1, length))
        await self._spoken.wait()
        return self._spoken_s

    async def leave(self) -> None:
        if not self.has_joined:
            return
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()

    async def wait_for(self, condition: Any, what: str, timeout_s: float = 20.0) -> Any:
        """Polls until `condition()` is true; fails with what was awaited and what was seen."""
        end_s = time.monotonic() + timeout_s
        while not (value := condition()):
            if time.monotonic() > end_s:
                raise AssertionError(
                    f"no {what} within {timeout_s:g} s; "
                    f"transcripts {list(self.transcripts.values())}, notices {self.notices}"
                )
            await asyncio.sleep(0.02)
        return value

    def sound_after(self, since_s: float) -> float | None:
        """When the agent's first sound after `since_s` was heard."""
        first = bisect_right(self.heard, since_s, key=lambda h: h.at_s)
        return next((h.at_s for h in self.heard[first:] if h.is_sound), None)

    def quiet_since(self, now_s: float) -> float:
        """Seconds since the agent's last sound."""
        last = next((h.at_s for h in reversed(self.heard) if h.is_sound), 0.0)
        return now_s - last

    async def wait_for_answer(self, since_s: float, timeout_s: float = 20.0) -> float:
        """Waits for sound after `since_s`; returns when it came."""
        at_s: float = await self.wait_for(
            lambda: self.sound_after(since_s), "sound of the agent", timeout_s
        )
        return at_s

    async def wait_for_quiet(self, quiet_s: float = 1.0, timeout_s: float = 30.0) -> None:
        await self.wait_for(
            lambda: self.quiet_since(time.monotonic()) > quiet_s, "end of speech", timeout_s
        )

    def said(self, who: str) -> str:
        """All that `who` ("agent" or "caller") said, by transcript."""
        return " ".join(t["text"] for t in self.transcripts.values() if t["who"] == who)

    @property
    def _piece_samples(self) -> int:
        return self.rate_hz * self.piece_ms // 1000

    async def _capture(self, source: rtc.AudioSource) -> None:
        rng = np.random.default_rng(1)
        level = 0.0 if self.noise_dbfs is None else 32768 * 10 ** (self.noise_dbfs / 20)
        length = self._piece_samples
        noise = rng.normal(0, level, (200, length)) if level else np.zeros((1, length))
        start_s, count = time.monotonic(), 0
        while True:
            if self.stalled:
                await asyncio.sleep(0.01)
                start_s, count = time.monotonic(), 0
                continue
            frame = noise[count % len(noise)]
            speaking = bool(self._speech)
            if speaking:
                frame = frame + self._speech.popleft()
            pcm = np.clip(frame, -32768, 32767).astype(np.int16).tobytes()
            await source.capture_frame(rtc.AudioFrame(pcm, self.rate_hz, 1, length))
            if speaking and not self._speech:
                self._spoken_s = time.monotonic()
                self._spoken.set()
            count += 1
            wait_s = start_s + count * self.piece_ms / 1000 - time.monotonic()
            self.lateness_s.append(max(0.0, -wait_s))
            await asyncio.sleep(max(0.0, wait_s))

    def _on_track(self, track: rtc.Track, *_: Any) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._spawn(self._listen(track))

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(
            track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=self.piece_ms
        )
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, dtype=np.int16).copy()
                self.heard.append(Heard(time.monotonic(), samples))
        finally:
            await stream.aclose()

    def _on_transcript(self, reader: rtc.TextStreamReader, identity: str) -> None:
        self._spawn(self._read_transcript(reader, identity))

    async def _read_transcript(self, reader: rtc.TextStreamReader, identity: str) -> None:
        attributes = reader.info.attributes or {}
        segment = attributes.get("lk.segment_id", reader.info.stream_id)
        who = "caller" if identity == self.identity else "agent"
        entry = self.transcripts.setdefault(segment, {"who": who, "text": "", "final": False})
        entry["text"] = ""
        async for chunk in reader:
            entry["text"] += chunk
        entry["final"] = attributes.get("lk.transcription_final") == "true"

    def _collect(self, into: list[dict[str, Any]]) -> Any:
        async def read(reader: rtc.TextStreamReader) -> None:
            into.append(json.loads(await reader.read_all()))

        return lambda reader, _: self._spawn(read(reader))

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
