"""The sound in a speech server's answer: raw PCM, or a WAV file that is still coming."""

from __future__ import annotations

import struct

from livekit.plugins.speechcore import BYTES_PER_SAMPLE, EngineError, to_mono

RAW_TYPES = frozenset(
    {"", "audio/pcm", "audio/raw", "audio/l16", "audio/x-raw", "application/octet-stream"}
)
"""Content types that raw PCM comes under; a WAV file is known by its first bytes."""

_LONGEST_HEADER_BYTES = 64 * 1024
_LOWEST_HZ, _HIGHEST_HZ = 8_000, 96_000
_FORMATS = {1, 0xFFFE}
"""PCM, and the extensible format of which PCM is the usual case."""


class SoundBody:
    """Takes the answer piece by piece, gives mono int16 PCM.

    `rate_hz` is that of the WAV file, once its header has come. Raises EngineError for another
    kind of sound.
    """

    def __init__(self, content_type: str, rate_hz: int) -> None:
        """`content_type`: the header. `rate_hz`: of raw PCM of which it does not say one."""
        name, *parameters = (part.strip().lower() for part in content_type.split(";"))
        rates = [part.removeprefix("rate=") for part in parameters if part.startswith("rate=")]
        told_hz = int(rates[0]) if rates and rates[0].isdecimal() else rate_hz
        self.rate_hz = told_hz if _LOWEST_HZ <= told_hz <= _HIGHEST_HZ else rate_hz
        self._content_type = name
        self._num_channels = 1
        self._head: bytearray | None = bytearray()
        self._left = b""

    def push(self, piece: bytes) -> bytes:
        """What can be played now."""
        if self._head is not None:
            self._head += piece
            begin = self._find_sound(self._head)
            if begin is None:
                return b""
            piece, self._head = bytes(self._head[begin:]), None
        frame_bytes = BYTES_PER_SAMPLE * self._num_channels
        data = self._left + piece
        whole = len(data) - len(data) % frame_bytes
        self._left = data[whole:]
        return to_mono(data[:whole], self._num_channels)

    def _find_sound(self, head: bytearray) -> int | None:
        """Where the samples begin; None while that has not come yet."""
        if len(head) < 4:
            return None
        if not head.startswith(b"RIFF"):
            if self._content_type not in RAW_TYPES:
                raise EngineError(
                    f"the speech server sends {self._content_type}: it must be able to send pcm or wav"
                )
            return 0
        at = 12
        while len(head) >= at + 8:
            name, length = struct.unpack_from("<4sI", head, at)
            if name == b"data":
                return at + 8
            if name == b"fmt " and len(head) >= at + 24:
                self._take_format(head, at + 8)
            at += 8 + length + length % 2
        if len(head) > _LONGEST_HEADER_BYTES:
            raise EngineError("the speech server sends a WAV file without sound")
        return None

    def _take_format(self, head: bytearray, at: int) -> None:
        kind, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", head, at)
        is_rate = _LOWEST_HZ <= rate_hz <= _HIGHEST_HZ
        if kind not in _FORMATS or bits != 16 or not channels or not is_rate:
            raise EngineError(
                f"the speech server sends WAV of {bits} bits and {rate_hz} Hz: it must be 16 bits PCM"
            )
        self._num_channels, self.rate_hz = channels, rate_hz
