"""What the caller says in the turn in progress, kept so that another model can hear it, too. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

LONGEST_S = 60.0
"""Kept at most; older sound is dropped."""

LEAD_S = 0.6
"""Kept from before a turn is noticed: a soft onset, and the time a VAD takes."""

PIECE_S = 0.1
_BYTES_PER_SAMPLE = 2


class _Phase(Enum):
    IDLE = auto()
    TURN = auto()
    ANSWERING = auto()


@dataclass
class TurnAudio:
    """Mono int16 PCM of one rate."""

    rate_hz: int = 0
    """Of the newest sound."""
    position: int = 0
    """Samples heard since the call began."""
    _pcm: bytearray = field(default_factory=bytearray)
    _phase: _Phase = _Phase.IDLE
    _earlier_bytes: int = 0
    """So much of it, from its beginning, is the turn before the newest."""

    @property
    def is_open(self) -> bool:
        """Whether a turn has begun that is not settled."""
        return self._phase is not _Phase.IDLE

    @property
    def kept_s(self) -> float:
        """How much of the turn is kept; 0 without one."""
        return len(self._pcm) / _BYTES_PER_SAMPLE / self.rate_hz if self.is_open else 0.0

    @property
    def unanswered_s(self) -> float:
        """How long ago the turn began that no answer is heard to; 0 without one."""
        if self._phase is not _Phase.TURN or not self.rate_hz:
            return 0.0
        return (len(self._pcm) - self._earlier_bytes) / _BYTES_PER_SAMPLE / self.rate_hz

    def heard(self, pcm: bytes, rate_hz: int) -> int:
        """Takes the next sound; returns its place: the samples up to its end."""
        if rate_hz != self.rate_hz:
            self.rate_hz = rate_hz
            self._pcm.clear()
            self._earlier_bytes = 0
        self._pcm += pcm
        self.position += len(pcm) // _BYTES_PER_SAMPLE
        self._forget(LONGEST_S if self.is_open else LEAD_S)
        return self.position

    def began(self, *, keeps_earlier: bool = False) -> None:
        """The caller speaks: more of their turn, or a new one where the last is being answered.
        `keeps_earlier`: that one, too, until `only_newest`."""
        if self._phase is not _Phase.TURN:
            if keeps_earlier:
                self._earlier_bytes = max(0, len(self._pcm) - self._bytes(LEAD_S))
            else:
                self._forget(LEAD_S)
            self._phase = _Phase.TURN

    def only_newest(self) -> None:
        """Nobody needs to hear the turn before it again."""
        del self._pcm[: self._earlier_bytes]
        self._earlier_bytes = 0

    def answering(self) -> None:
        """The turn is over and what comes next is another; this one is kept until it is settled."""
        if self.is_open:
            self._phase = _Phase.ANSWERING

    def settled(self) -> None:
        """Nobody needs to hear it again."""
        self._phase = _Phase.IDLE
        self._forget(LEAD_S)
        self._earlier_bytes = 0

    def pieces(self) -> Iterator[bytes]:
        """The turn so far, in pieces of `PIECE_S`; none without a turn."""
        step = round(PIECE_S * self.rate_hz) * _BYTES_PER_SAMPLE
        kept = bytes(self._pcm) if self.is_open else b""
        for start in range(0, len(kept), step or 1):
            yield kept[start : start + step]

    def _forget(self, but_s: float) -> None:
        surplus = len(self._pcm) - self._bytes(but_s)
        if surplus > 0:
            del self._pcm[:surplus]
            self._earlier_bytes = max(0, self._earlier_bytes - surplus)

    def _bytes(self, length_s: float) -> int:
        return round(length_s * self.rate_hz) * _BYTES_PER_SAMPLE
