"""The frames between a call and the model server: what crosses the wire, without any socket.

A frame is a header of 12 bytes and a payload. The header, big-endian: the letters "PM", the
protocol's version (1 byte), the kind (1), the session (4) and the payload's length (4). The caller
numbers its sessions from 1; 0 is the connection itself. Payloads are in `messages`.

    caller                      server
    HELLO                    →  READY | AT_CAPACITY, or ERROR and the end
    OPEN AUDIO* FLUSH CLOSE  →  TRANSCRIPT* FINAL                 one recogniser session
    SPEAK MORE* CANCEL       →  CHUNK* DONE                       one text
    PING, STATUS             →  PONG, STATUS

AT_CAPACITY and ERROR answer any frame of a session and end it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

VERSION = 1
MAX_PAYLOAD_BYTES = 1 << 20
"""A longer one is refused; 20 s of speech at 24 kHz fit."""

_MAGIC = b"PM"
_HEADER = struct.Struct(">2sBBII")


class Kind(IntEnum):
    """What a frame says."""

    HELLO = 1
    """The caller's first frame: its token."""
    READY = 2
    """The greeting is answered: engines and their capacity."""
    AT_CAPACITY = 3
    """No room for this session, or (session 0) for this caller."""
    OPEN = 4
    AUDIO = 5
    """Mono int16 PCM of a session that is open."""
    TRANSCRIPT = 6
    FLUSH = 7
    """The segment is over: FINAL is wanted. One at a time."""
    FINAL = 8
    CLOSE = 9
    SPEAK = 10
    CHUNK = 11
    MORE = 12
    """The caller has used so many chunks of the text: more may come."""
    DONE = 13
    CANCEL = 14
    ERROR = 15
    PING = 16
    PONG = 17
    STATUS = 18


class ProtocolError(Exception):
    """The other side sent what is no part of the protocol; the message says what, in a sentence."""


@dataclass(frozen=True, slots=True)
class Frame:
    kind: Kind
    session: int = 0
    payload: bytes = b""


def encode(kind: Kind, session: int = 0, payload: bytes = b"") -> bytes:
    """One frame as bytes; copies the payload once."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ProtocolError(f"a payload of {len(payload)} bytes is more than {MAX_PAYLOAD_BYTES}")
    return _HEADER.pack(_MAGIC, VERSION, kind, session, len(payload)) + payload


class FrameDecoder:
    """Bytes in pieces of any size to frames. Holds at most one unfinished frame."""

    def __init__(self, *, max_payload_bytes: int = MAX_PAYLOAD_BYTES) -> None:
        self.max_payload_bytes = max_payload_bytes
        """May be raised once the other side is known."""
        self._buffer = bytearray()
        self._error: ProtocolError | None = None

    @property
    def is_in_frame(self) -> bool:
        """A frame has begun and not ended."""
        return bool(self._buffer)

    def feed(self, received: bytes) -> list[Frame]:
        """The frames that are complete now.

        Raises ProtocolError, and again at every later call: after one bad byte nothing can be
        trusted. Frames that came whole before it in the same piece are dropped with it.
        """
        if self._error is not None:
            raise self._error
        self._buffer += received
        frames: list[Frame] = []
        begin = 0
        try:
            while (frame := self._frame_at(begin)) is not None:
                frames.append(frame)
                begin += _HEADER.size + len(frame.payload)
        except ProtocolError as e:
            self._error = e
            self._buffer.clear()
            raise
        del self._buffer[:begin]
        return frames

    def _frame_at(self, begin: int) -> Frame | None:
        available = len(self._buffer) - begin
        if available < _HEADER.size:
            self._check_magic(bytes(self._buffer[begin : begin + len(_MAGIC)]))
            return None
        magic, version, kind, session, length = _HEADER.unpack_from(self._buffer, begin)
        self._check_magic(magic)
        if version != VERSION:
            raise ProtocolError(
                f"the other side speaks version {version} of the protocol, this one {VERSION}:"
                " install the same release of Parley on both"
            )
        if length > self.max_payload_bytes:
            raise ProtocolError(
                f"a frame announces {length} bytes, {self.max_payload_bytes} are allowed"
            )
        try:
            known = Kind(kind)
        except ValueError as e:
            raise ProtocolError(f"there is no frame of kind {kind}") from e
        if available < _HEADER.size + length:
            return None
        start = begin + _HEADER.size
        return Frame(known, session, bytes(self._buffer[start : start + length]))

    def _check_magic(self, magic: bytes) -> None:
        if not _MAGIC.startswith(magic):
            raise ProtocolError("the other side does not speak the protocol of the model server")
