"""One end of the line: publishes every variant of the same sound, keeps what comes from the other end.

Run by `evals.opus.run`: `python -m evals.opus.peer URL TOKEN ROLE SCRIPT OUTPUT`. It says `ready` when it
hears all of the other's tracks, begins to speak when it is told `go`, and says `done`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from livekit import rtc

from evals.ear.arrival import lane_by_arrival
from evals.opus.judge import LONGEST_DELAY_S
from evals.opus.variants import VARIANTS
from tests.stack.caller import NOISE_DBFS, RATE_HZ, loopback_options

SETTLING_S = 6.0
"""From `go` to the first sentence: the network is bad by then, the encoders know it, and what joining did to
the receivers' buffers is forgotten."""
PAUSE_S = 1.0

_FRAME = RATE_HZ // 100
_JOIN_S = 30.0


class Peer:
    """A participant. `said` has when each sentence began (monotonic seconds), by its index."""

    def __init__(self, seed: int, script: list[np.ndarray]) -> None:
        self._rng = np.random.default_rng(seed)
        self._script = script
        self._room = rtc.Room()
        self._sources = {v.name: rtc.AudioSource(RATE_HZ, 1, queue_size_ms=0) for v in VARIANTS}
        self._tracks: dict[str, rtc.LocalAudioTrack] = {}
        self._listening: dict[str, asyncio.Task[None]] = {}
        self._heard_all = asyncio.Event()
        self._go = asyncio.Event()
        self._arrivals: dict[str, list[float]] = defaultdict(list)
        self._frames: dict[str, list[np.ndarray]] = defaultdict(list)
        self.said: list[float] = []
        self.lateness_s: list[float] = []
        self.kbps: dict[str, float] = {}

    async def join(self, url: str, token: str) -> None:
        self._room.on("track_subscribed", self._on_track)
        await self._room.connect(url, token, options=loopback_options())
        for variant in VARIANTS:
            track = rtc.LocalAudioTrack.create_audio_track(
                variant.name, self._sources[variant.name]
            )
            await self._room.local_participant.publish_track(track, variant.options())
            self._tracks[variant.name] = track

    async def speak_and_listen(self) -> None:
        """Raises TimeoutError when the other's tracks do not come."""
        speaking = asyncio.create_task(self._speak())
        await asyncio.wait_for(self._heard_all.wait(), _JOIN_S)
        _tell("ready")
        await asyncio.to_thread(sys.stdin.readline)
        before, began_s = await self._bytes_sent(), time.monotonic()
        self._go.set()
        await speaking
        after, took_s = await self._bytes_sent(), time.monotonic() - began_s
        self.kbps = {
            name: (after[name] - before[name]) * 8 / 1000 / took_s for name in self._tracks
        }

    async def leave(self) -> None:
        for task in self._listening.values():
            task.cancel()
        await asyncio.gather(*self._listening.values(), return_exceptions=True)
        await self._room.disconnect()

    def save(self, path: Path) -> None:
        """Lanes as arrays, and what was said when."""
        lanes = {
            name: lane_by_arrival(self._arrivals[name], frames, RATE_HZ)
            for name, frames in self._frames.items()
        }
        np.savez(path.with_suffix(".npz"), **{name: lane.samples for name, lane in lanes.items()})
        facts = {
            "said_s": self.said,
            "kbps": self.kbps,
            "late_p99_s": float(np.percentile(self.lateness_s, 99)),
            "starts_s": {name: lane.start_s for name, lane in lanes.items()},
        }
        path.with_suffix(".json").write_text(json.dumps(facts))

    async def _speak(self) -> None:
        """A microphone of 10 ms frames on a steady clock."""
        start_s = time.monotonic()
        for count, frame in enumerate(self._frames_to_send()):
            wait_s = start_s + count / 100 - time.monotonic()
            self.lateness_s.append(max(0.0, -wait_s))
            await asyncio.sleep(max(0.0, wait_s))
            sound = rtc.AudioFrame(frame.tobytes(), RATE_HZ, 1, _FRAME)
            await asyncio.gather(*(s.capture_frame(sound) for s in self._sources.values()))

    def _frames_to_send(self) -> Iterator[np.ndarray]:
        while not self._go.is_set():
            yield self._bed(_FRAME)
        yield from self._quiet(SETTLING_S)
        for sentence in self._script:
            self.said.append(time.monotonic())
            padded = np.pad(sentence, (0, -len(sentence) % _FRAME)).reshape(-1, _FRAME)
            for frame in padded:
                yield np.clip(frame + self._bed(_FRAME), -32768, 32767).astype(np.int16)
            yield from self._quiet(PAUSE_S)
        yield from self._quiet(LONGEST_DELAY_S)

    def _quiet(self, length_s: float) -> Iterator[np.ndarray]:
        for _ in range(round(length_s * 100)):
            yield self._bed(_FRAME)

    def _bed(self, count: int) -> np.ndarray:
        return self._rng.normal(0, 32768 * 10 ** (NOISE_DBFS / 20), count).astype(np.int16)

    async def _bytes_sent(self) -> dict[str, int]:
        """Of the codec's packets and their RTP headers."""
        sent = {}
        for name, track in self._tracks.items():
            streams = [
                s.outbound_rtp for s in await track.get_stats() if s.HasField("outbound_rtp")
            ]
            sent[name] = sum(s.sent.bytes_sent + s.outbound.header_bytes_sent for s in streams)
        return sent

    def _on_track(self, track: rtc.Track, publication: Any, _: Any) -> None:
        self._listening[publication.name] = asyncio.create_task(
            self._listen(publication.name, track)
        )
        if len(self._listening) == len(VARIANTS):
            self._heard_all.set()

    async def _listen(self, name: str, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1)
        try:
            async for event in stream:
                self._arrivals[name].append(time.monotonic())
                self._frames[name].append(np.frombuffer(event.frame.data, dtype=np.int16).copy())
        finally:
            await stream.aclose()


def _tell(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


async def _main(url: str, token: str, role: str, script: Path, output: Path) -> None:
    with np.load(script) as arrays:
        sentences = [arrays[str(number)] for number in range(len(arrays))]
    peer = Peer({"near": 1, "far": 2}[role], sentences)
    try:
        await peer.join(url, token)
        await peer.speak_and_listen()
    finally:
        await peer.leave()
    peer.save(output)
    _tell("done")


if __name__ == "__main__":
    _url, _token, _role, _script, _output = sys.argv[1:]
    asyncio.run(_main(_url, _token, _role, Path(_script), Path(_output)))
