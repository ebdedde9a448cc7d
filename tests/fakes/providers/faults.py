"""What can go wrong with a provider, and which of its requests it happens to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random

AT_CONNECT = -1
"""For `Fault.after`: instead of the answer's headers, or of the WebSocket's handshake."""


class Kind(Enum):
    RESET = auto()
    """The connection is reset (RST)."""
    DROP = auto()
    """The connection ends without a word: a WebSocket's 1006, half an HTTP body."""
    STATUS = auto()
    """An HTTP status; midway the provider's own error message, then the end."""
    HTML = auto()
    """A page of HTML, with status 200."""
    STALL = auto()
    """Nothing more is sent; what comes in is read, pings are answered."""
    HALF_OPEN = auto()
    """Nothing is read and nothing is sent: the peer has lost its power."""
    GARBAGE = auto()
    """One piece that is not what it should be; the answer goes on."""
    HUGE = auto()
    """One JSON line of ten megabytes; the answer goes on."""
    TRUNCATE = auto()
    """The rest of the answer is left out, its regular end is sent."""
    DRIP = auto()
    """Each piece comes late, by `pace_s`."""
    WRONG_RATE = auto()
    """Speech at 16 kHz, whatever was promised."""
    EMPTY = auto()
    """An answer of the right form with nothing in it: no words, no text, no sound."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong with one request."""

    kind: Kind
    after: int = AT_CONNECT
    """So many pieces of the answer are sent before it; 0 is connected, but before the first."""
    status: int = 500
    retry_after_s: float | None = None
    """Sent as Retry-After with a status."""
    pace_s: float = 0.3

    def __str__(self) -> str:
        when = {AT_CONNECT: "at connect", 0: "before the first piece"}
        name = str(self.status) if self.kind is Kind.STATUS else self.kind.name.lower()
        return f"{name} {when.get(self.after, f'after {self.after} pieces')}"


@dataclass(kw_only=True)
class Plan:
    """The faults of the requests to one service, in their order; None is a healthy answer."""

    faults: Sequence[Fault | None] = ()
    then: Fault | None = None
    """What the requests after these meet."""
    taken: int = field(default=0, init=False)
    """How many requests there were."""

    @classmethod
    def always(cls, fault: Fault) -> Plan:
        return cls(then=fault)

    @classmethod
    def nth(cls, number: int, fault: Fault) -> Plan:
        """The first request is number 1; all others are healthy."""
        return cls(faults=(*[None] * (number - 1), fault))

    @classmethod
    def at_random(cls, share: float, faults: Sequence[Fault], random: Random, count: int) -> Plan:
        """`share` of the next `count` requests meets one of the faults."""
        drawn = [random.choice(faults) if random.random() < share else None for _ in range(count)]
        return cls(faults=drawn)

    def peek(self) -> Fault | None:
        """What the next request meets."""
        return self.faults[self.taken] if self.taken < len(self.faults) else self.then

    def take(self) -> Fault | None:
        """What this request meets."""
        fault = self.peek()
        self.taken += 1
        return fault
