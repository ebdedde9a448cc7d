"""Ogg pages, in which Opus travels between a client and a Moshi server (RFC 3533). Pure."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

MAX_PACKET_BYTES = 255 * 255 - 1
"""What one page can hold of a packet that ends on it. Opus needs a fiftieth of it."""

_CAPTURE = b"OggS"
_HEADER = struct.Struct("<4sBBqIIIB")
_CONTINUED, _FIRST = 0x01, 0x02
_VERSION_AT, _CHECKSUM_AT, _COUNT_AT = 4, 22, 26
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def checksum(page: bytes) -> int:
    """Ogg's CRC-32 of a page whose own checksum is zero: zlib's with the bits the other way round,
    from zero and without the complement at the end."""
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


@dataclass
class OggWriter:
    """One logical stream, a packet a page: nothing waits for a page to fill."""

    serial: int
    _sequence: int = 0

    def page(self, packet: bytes, granule: int) -> bytes:
        """`granule`: the position at the packet's end. Raises ValueError for too long a packet."""
        if len(packet) > MAX_PACKET_BYTES:
            raise ValueError(f"a page holds {MAX_PACKET_BYTES} bytes, not {len(packet)}")
        whole, rest = divmod(len(packet), 255)
        lacing = b"\xff" * whole + bytes([rest])
        kind = 0 if self._sequence else _FIRST
        header = _HEADER.pack(
            _CAPTURE, 0, kind, granule, self.serial, self._sequence, 0, len(lacing)
        )
        page = bytearray(header + lacing + packet)
        struct.pack_into("<I", page, _CHECKSUM_AT, checksum(bytes(page)))
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        return bytes(page)


@dataclass
class OggReader:
    """Takes bytes cut anywhere, gives whole packets. What is no page is skipped and counted."""

    garbage_bytes: int = 0
    """Skipped since the last good page."""
    _buffer: bytearray = field(default_factory=bytearray)
    _begun: bytearray | None = None
    """The first part of a packet that goes on on the next page."""
    _serial: int | None = None
    _next_sequence: int = 0

    def push(self, data: bytes) -> list[bytes]:
        """The packets that are whole now, in their order."""
        self._buffer += data
        packets: list[bytes] = []
        while (page := self._next_page()) is not None:
            packets += self._take(page)
        return packets

    def _next_page(self) -> bytes | None:
        """The first whole page. One that is still coming waits, but holds up none behind it."""
        waits_at = None
        at = self._buffer.find(_CAPTURE)
        while at >= 0:
            end = at + _size_bytes(self._buffer, at)
            if end > len(self._buffer):
                waits_at = at if waits_at is None else waits_at
            elif end > at and _is_sound(page := bytes(self._buffer[at:end])):
                del self._buffer[:end]
                self.garbage_bytes = 0
                return page
            at = self._buffer.find(_CAPTURE, at + 1)
        self._skip(max(0, len(self._buffer) - len(_CAPTURE) + 1) if waits_at is None else waits_at)
        return None

    def _skip(self, count_bytes: int) -> None:
        del self._buffer[:count_bytes]
        self.garbage_bytes += count_bytes

    def _take(self, page: bytes) -> list[bytes]:
        _, _, kind, _, serial, sequence, _, count = _HEADER.unpack_from(page)
        if kind & _FIRST or self._serial is None:
            self._serial, self._begun = serial, None
        elif serial != self._serial:
            return []
        elif sequence != self._next_sequence:
            self._begun = None
        self._next_sequence = (sequence + 1) & 0xFFFFFFFF
        is_continued = bool(kind & _CONTINUED)
        # A packet's end without its beginning, or a beginning without its end, is thrown away.
        is_torn = is_continued and self._begun is None
        part = self._begun if is_continued and self._begun is not None else bytearray()
        self._begun = None
        packets: list[bytes] = []
        at = _HEADER.size + count
        for length in page[_HEADER.size : at]:
            part += page[at : at + length]
            at += length
            if length < 255:
                if not is_torn:
                    packets.append(bytes(part))
                part, is_torn = bytearray(), False
        if count and page[_HEADER.size + count - 1] == 255 and not is_torn:
            self._begun = part if len(part) <= MAX_PACKET_BYTES else None
        return packets


def _size_bytes(buffer: bytearray, at: int) -> int:
    """Of the page that begins there; at least so many while its header is still coming. 0: no page."""
    if len(buffer) <= at + _COUNT_AT:
        return _HEADER.size
    if buffer[at + _VERSION_AT]:
        return 0
    body_at = at + _HEADER.size + buffer[at + _COUNT_AT]
    return body_at - at + sum(buffer[at + _HEADER.size : body_at])


def _is_sound(page: bytes) -> bool:
    (told,) = struct.unpack_from("<I", page, _CHECKSUM_AT)
    blank = page[:_CHECKSUM_AT] + bytes(4) + page[_CHECKSUM_AT + 4 :]
    return checksum(blank) == int(told)
