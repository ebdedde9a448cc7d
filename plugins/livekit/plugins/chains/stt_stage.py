"""What a turn needs of the one who owns the members' streams. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .faults import Fault
from .stt_heard import Heard


class AllFailed(Exception):
    """No member is left that could hear the turn."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("every engine failed")
        self.faults = tuple(faults)


class Stage(Protocol):
    """Members are told by their place in the list, their streams by a key."""

    def start(self, key: int, member: int, from_s: float, flushes: Sequence[float]) -> None:
        """Opens a stream with the audio from `from_s` on, in which `flushes` are put in their
        places."""
        ...

    def drop(self, key: int) -> None: ...

    def give(self, heard: Heard) -> None:
        """To the listener."""
        ...

    def may_try(self, member: int) -> bool: ...

    def is_hopeless(self, member: int) -> bool:
        """Not to be asked even when all else fails."""
        ...

    def succeeded(self, member: int) -> None: ...

    def failed(self, member: int, fault: Fault) -> None: ...

    def switched(self, source: int, to: int | None, fault: Fault, audio_s: float) -> None:
        """`to` goes on, with `audio_s` of audio again; None if nobody does."""
        ...

    def hedged(self, first: int, second: int, winner: int, audio_s: float) -> None: ...
