"""The caller's sound on its way to the model, at the pace of the clock. Pure.

A Moshi server makes 80 ms of its own sound for each 80 ms that it hears. So it is given silence
where no frames come, or it would fall silent in mid-word; and when frames come late and in a heap,
it is not given them on top of that silence, or its answers would lag behind for the rest of the
call.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .opus import PIECE_BYTES, PIECE_MS

PIECE_S = PIECE_MS / 1000
_GRACE = 3
"""Pieces that frames may be late, and that may wait."""

_IDLE = 4
"""So often nothing came since one last looked: then nothing comes. A loop that was held up looks once."""

_SILENCE = bytes(PIECE_BYTES)


@dataclass
class Uplink:
    """Of one connection. Times are seconds on the caller's clock."""

    begun_s: float
    sent: int = 0
    """Pieces given away."""
    dropped: int = 0
    """Pieces that came too late."""
    _waiting: bytearray = field(default_factory=bytearray)
    _idle: int = 0

    @property
    def sent_s(self) -> float:
        return self.sent * PIECE_S

    def push(self, pcm: bytes) -> None:
        """Sound of the caller's microphone, mono int16 at 24 kHz."""
        self._waiting += pcm
        self._idle = 0

    def due(self, now_s: float) -> list[bytes]:
        """The pieces to send now. To be asked when sound was pushed, and each 20 ms without."""
        self._idle += 1
        passed = (now_s - self.begun_s) / PIECE_S
        pieces: list[bytes] = []
        while len(self._waiting) >= PIECE_BYTES and self.sent + len(pieces) < passed + 1:
            pieces.append(bytes(self._waiting[:PIECE_BYTES]))
            del self._waiting[:PIECE_BYTES]
        if self._idle >= _IDLE:
            pieces += [_SILENCE] * max(0, int(passed) - _GRACE - self.sent - len(pieces))
        waiting = len(self._waiting) // PIECE_BYTES
        if waiting > _GRACE:  # all but the newest: what waits makes every answer later
            del self._waiting[: (waiting - 1) * PIECE_BYTES]
            self.dropped += waiting - 1
        self.sent += len(pieces)
        return pieces
