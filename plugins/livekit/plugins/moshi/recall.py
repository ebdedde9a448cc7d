"""The caller's newest sound, for a conversation that begins in the midst of what they say. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from livekit.plugins.speechcore import level_dbfs

from .opus import PIECE_BYTES, PIECE_MS

LONGEST_S = 10.0
"""Kept at most: a model that is twice as quick as speech is behind for as long again."""

_QUIET_DBFS = -45.0
_TAIL_PIECES = 15
"""Of quiet that stay behind the last sound: what is loud has an end that is not."""


@dataclass
class Recall:
    """Mono int16 at 24 kHz."""

    _pcm: bytearray = field(default_factory=bytearray)

    def heard(self, pcm: bytes) -> None:
        """Takes the next sound."""
        self._pcm += pcm
        surplus = len(self._pcm) - _bytes(LONGEST_S)
        if surplus > 0:
            del self._pcm[:surplus]

    def newest(self, length_s: float) -> bytes:
        """So much of it, in whole pieces, without the quiet at its end: the model answers the sooner."""
        kept = len(self._pcm) // PIECE_BYTES * PIECE_BYTES
        length = min(_bytes(length_s), kept)
        pcm = bytes(self._pcm[len(self._pcm) - length :])
        end = len(pcm)
        while end and is_quiet(pcm[end - PIECE_BYTES : end]):
            end -= PIECE_BYTES
        return pcm[: end + _TAIL_PIECES * PIECE_BYTES] if end else b""


def is_quiet(piece: bytes) -> bool:
    """Whether a piece of the caller's sound has no speech in it."""
    return level_dbfs(piece) < _QUIET_DBFS


def _bytes(length_s: float) -> int:
    return round(length_s * 1000 / PIECE_MS) * PIECE_BYTES
