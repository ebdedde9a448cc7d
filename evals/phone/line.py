"""The sound of one call: what a telephone says, and all it hears, with the time."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from typing import cast

import numpy as np

from agent.ports import LOOPBACK
from evals.ear.arrival import lane_by_arrival
from evals.ear.manners import Ears
from evals.ear.microphone import FULL_SCALE, decode_mu_law, encode_mu_law, gain, to_int16
from evals.ear.recording import Lane
from evals.phone.rtp import FRAME_S, FRAME_SAMPLES, RATE_HZ, SOUND, Packet, Stream

NOISE_DBFS = -60.0


class Line(asyncio.DatagramProtocol):
    """One end of a line. Its clock begins 20 ms before the first packet: packet n goes at (n + 1) * 20 ms
    and holds what was said in the 20 ms before."""

    def __init__(self, seed: int) -> None:
        self.ears = Ears()
        self.lateness_s: list[float] = []
        """Of each packet sent."""
        self.not_sound = 0
        """Packets that came and were no 20 ms of μ-law."""
        self._rng = np.random.default_rng(seed)
        self._stream = Stream(ssrc=int(self._rng.integers(1 << 32)))
        self._noise_rms = FULL_SCALE * gain(NOISE_DBFS)
        self._speech: deque[np.ndarray] = deque()
        self._sent: list[np.ndarray] = []
        self._sending: asyncio.Task[None] | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._is_closed = asyncio.Event()
        self.origin_s = time.monotonic()

    @classmethod
    async def open(cls, seed: int) -> Line:
        """On a free port of this machine."""
        loop = asyncio.get_running_loop()
        _, line = await loop.create_datagram_endpoint(lambda: cls(seed), local_addr=(LOOPBACK, 0))
        return line

    @property
    def port(self) -> int:
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    @property
    def now_s(self) -> float:
        """On the recording's clock."""
        return time.monotonic() - self.origin_s

    def begin(self, address: tuple[str, int]) -> None:
        """Sends sound there from now on."""
        self._sending = asyncio.get_running_loop().create_task(self._send(address), name="line")

    async def aclose(self) -> None:
        """Twice is fine."""
        if self._sending is not None:
            self._sending.cancel()
            with suppress(asyncio.CancelledError):
                await self._sending
        if self._transport is not None:
            self._transport.close()
            await self._is_closed.wait()

    def say(self, samples: np.ndarray) -> float:
        """Speech at 8 kHz from the next packet on; returns when its first sample is said."""
        padded = np.pad(samples, (0, -len(samples) % FRAME_SAMPLES))
        at_s = (len(self._sent) + len(self._speech)) * FRAME_S
        self._speech.extend(padded.reshape(-1, FRAME_SAMPLES))
        return at_s

    def press(self, key: str) -> float:
        """Holds a key for a tenth of a second; returns when its first packet goes."""
        self._stream.press(key)
        return (len(self._sent) + 1) * FRAME_S

    def lanes(self) -> tuple[Lane, Lane]:
        """What was said and what was heard."""
        sent = np.concatenate(self._sent) if self._sent else np.zeros(0, dtype=np.int16)
        arrivals_s = [at_s - self.origin_s for at_s in self.ears.arrivals_s]
        heard = lane_by_arrival(arrivals_s, self.ears.frames, RATE_HZ)
        return Lane(samples=sent, rate_hz=RATE_HZ, start_s=0.0), heard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def connection_lost(self, _: Exception | None) -> None:
        self._is_closed.set()

    def datagram_received(self, data: bytes, _: object) -> None:
        at_s = time.monotonic()
        try:
            packet = Packet.parse(data)
        except ValueError:
            self.not_sound += 1
            return
        if packet.payload_type == SOUND and len(packet.payload) == FRAME_SAMPLES:
            self.ears.hear(at_s, decode_mu_law(np.frombuffer(packet.payload, dtype=np.uint8)))
        else:
            self.not_sound += 1

    async def _send(self, address: tuple[str, int]) -> None:
        assert self._transport is not None
        start_s = time.monotonic()
        self.origin_s = start_s - FRAME_S
        while True:
            frame = self._next_frame()
            due_s = start_s + len(self._sent) * FRAME_S
            self._sent.append(frame)
            self._transport.sendto(self._stream.next_packet(frame).to_bytes(), address)
            self.lateness_s.append(max(0.0, time.monotonic() - due_s))
            await asyncio.sleep(max(0.0, due_s + FRAME_S - time.monotonic()))

    def _next_frame(self) -> np.ndarray:
        """As it comes out at the other end of μ-law; silence while a key is held."""
        if self._stream.is_pressing:
            return np.zeros(FRAME_SAMPLES, dtype=np.int16)
        frame = self._rng.normal(0, self._noise_rms, FRAME_SAMPLES)
        if self._speech:
            frame = frame + self._speech.popleft()
        return decode_mu_law(encode_mu_law(to_int16(frame)))
