"""The caller's sound on its way to the model, at the pace of the clock. Pure.

A Moshi server makes 80 ms of its own sound for each 80 ms that it hears. So it is given silence
where no frames come, or it would fall silent in mid-word; and when frames come late and in a heap,
it is not given them on top of that silence, or its answers would lag behind for the rest of the
call. What was said before the line was there comes in a heap all the same; the model catches up as
fast as it can, and where it cannot, quiet sound is left out until it has.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .opus import PIECE_BYTES, PIECE_MS
from .recall import is_quiet

PIECE_S = PIECE_MS / 1000
_GRACE = 3
"""Pieces that frames may be late, and that may wait."""

_IDLE = 4
"""So often nothing came since one last looked: then nothing comes. A loop that was held up looks once."""

_SILENCE = bytes(PIECE_BYTES)

_BEHIND_S = 0.6
"""More than the model and the line take: what it was given waits at the server."""


@dataclass
class Uplink:
    """Of one connection. Times are seconds on the caller's clock."""

    begun_s: float
    sent: int = 0
    """Pieces given away."""
    dropped: int = 0
    """Pieces that came too late."""
    made_s: float = 0.0
    """The model's own sound that has come."""
    _ahead: int = 0
    """Pieces sent beyond the clock."""
    _waiting: bytearray = field(default_factory=bytearray)
    _idle: int = 0

    @property
    def sent_s(self) -> float:
        return self.sent * PIECE_S

    @property
    def _is_behind(self) -> bool:
        return self._ahead > 0 and self.sent_s - self.made_s > _BEHIND_S

    def tell(self, pcm: bytes) -> None:
        """What the caller said before, in whole pieces: goes to the model at once. Before any `push`."""
        self._waiting += pcm
        self._ahead += len(pcm) // PIECE_BYTES

    def push(self, pcm: bytes) -> None:
        """Sound of the caller's microphone, mono int16 at 24 kHz."""
        self._waiting += pcm
        self._idle = 0

    def due(self, now_s: float) -> list[bytes]:
        """The pieces to send now. To be asked when sound was pushed, and each 20 ms without."""
        self._idle += 1
        passed = (now_s - self.begun_s) / PIECE_S
        pieces: list[bytes] = []
        while (
            len(self._waiting) >= PIECE_BYTES and self.sent + len(pieces) < passed + self._ahead + 1
        ):
            piece = bytes(self._waiting[:PIECE_BYTES])
            del self._waiting[:PIECE_BYTES]
            if self._is_behind and is_quiet(piece):
                self._ahead -= 1
            else:
                pieces.append(piece)
        if self._idle >= _IDLE:
            missing = int(passed) + self._ahead - _GRACE - self.sent - len(pieces)
            if self._is_behind:
                skipped = min(self._ahead, max(0, missing))
                self._ahead -= skipped
                missing -= skipped
            pieces += [_SILENCE] * max(0, missing)
        waiting = len(self._waiting) // PIECE_BYTES
        if waiting > _GRACE:  # all but the newest: what waits makes every answer later
            del self._waiting[: (waiting - 1) * PIECE_BYTES]
            self.dropped += waiting - 1
        self.sent += len(pieces)
        return pieces
