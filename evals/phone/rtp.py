"""What a telephone sends as RTP: G.711 μ-law sound, and keys as RFC 4733 has them. Pure."""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from evals.ear.microphone import encode_mu_law

RATE_HZ = 8_000
FRAME_S = 0.02
FRAME_SAMPLES = 160

SOUND = 0
"""Payload type of PCMU."""
KEY = 101
"""That of telephone-event, as call.xml offers it."""

KEYS = "0123456789*#ABCD"
"""A key's place is its event code."""
KEY_S = 0.1
"""How long one is held; RFC 4733 wants 40 ms at least."""

_HEAD = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_END, _VOLUME = 0x80, 10
_END_PACKETS = 3


@dataclass(frozen=True, kw_only=True)
class Packet:
    """One RTP packet."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def to_bytes(self) -> bytes:
        second = (self.marker << 7) | self.payload_type
        head = _HEAD.pack(0x80, second, self.sequence, self.timestamp, self.ssrc)
        return head + self.payload

    @classmethod
    def parse(cls, data: bytes) -> Packet:
        """Raises ValueError for what is no RTP."""
        if len(data) < _HEAD.size or data[0] >> 6 != 2:
            raise ValueError("this is no RTP packet")
        first, second, sequence, timestamp, ssrc = _HEAD.unpack_from(data)
        start = _HEAD.size + 4 * (first & 0x0F)
        if first & 0x10:
            start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
        end = len(data) - (data[-1] if first & 0x20 else 0)
        if start > end:
            raise ValueError("this RTP packet ends in its header")
        return cls(
            payload_type=second & 0x7F,
            sequence=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            payload=data[start:end],
            marker=bool(second & 0x80),
        )


@dataclass
class Stream:
    """A packet for every 20 ms: sound, or the key that is held in its place."""

    ssrc: int
    sequence: int = 0
    timestamp: int = 0
    _events: deque[bytes] = field(default_factory=deque)
    """What is left to be sent of the key."""
    _key_timestamp: int = 0
    _is_first: bool = True

    @property
    def is_pressing(self) -> bool:
        return bool(self._events)

    def press(self, key: str) -> None:
        """The key is held from the next packet on. Raises ValueError for what is no key, or while
        another one is held."""
        if key not in KEYS or len(key) != 1:
            raise ValueError(f"{key!r} is no key of a telephone")
        if self.is_pressing:
            raise ValueError("another key is held")
        self._events.extend(key_events(key))
        self._key_timestamp = self.timestamp

    def next_packet(self, samples: np.ndarray) -> Packet:
        """Of these 160 samples, int16, which a key replaces."""
        is_first_of_key = self.is_pressing and self._key_timestamp == self.timestamp
        if self.is_pressing:
            kind, timestamp, payload = KEY, self._key_timestamp, self._events.popleft()
        else:
            kind, timestamp, payload = SOUND, self.timestamp, encode_mu_law(samples).tobytes()
        packet = Packet(
            payload_type=kind,
            sequence=self.sequence,
            timestamp=timestamp,
            ssrc=self.ssrc,
            payload=payload,
            marker=self._is_first or is_first_of_key,
        )
        self._is_first = False
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + FRAME_SAMPLES) & 0xFFFFFFFF
        return packet


def key_events(key: str) -> list[bytes]:
    """The payloads of a key's packets: one each 20 ms, and its end three times over, since packets
    get lost (RFC 4733, 2.5.1)."""
    code = KEYS.index(key)
    durations = [FRAME_SAMPLES * (number + 1) for number in range(round(KEY_S / FRAME_S))]
    held = [_EVENT.pack(code, _VOLUME, duration) for duration in durations]
    return held + [_EVENT.pack(code, _END | _VOLUME, durations[-1])] * _END_PACKETS
