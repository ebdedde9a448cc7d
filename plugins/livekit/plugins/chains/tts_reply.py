"""Whose voice a reply is spoken in. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

REPLY_GAP_S = 3.0
"""Requests that follow each other sooner belong to one reply."""


@dataclass
class ReplyVoice:
    """Of the newest reply of one chain; its requests may overlap. Members by their place in the list."""

    member: int | None = None
    """Who speaks it; None until somebody does."""
    switches: int = 0
    """How often that has changed."""
    _running: int = 0
    _ended_s: float = -math.inf

    def begin(self, now_s: float) -> bool:
        """A request begins; it owes `end`. Returns whether it is the first of a reply."""
        is_first = not self._running and now_s - self._ended_s >= REPLY_GAP_S
        if is_first:
            self.member = None
        self._running += 1
        return is_first

    def end(self, now_s: float) -> None:
        self._running -= 1
        self._ended_s = now_s

    def speak(self, member: int) -> None:
        """From now on `member` speaks the reply."""
        if self.member is not None and self.member != member:
            self.switches += 1
        self.member = member

    def fail(self, member: int, successor: int) -> None:
        """`member` cannot speak it; `successor` will try. Of a reply that another one speaks by now
        that changes nothing."""
        if self.member in (None, member):
            self.member = successor
            self.switches += 1
