"""Who the agent listens to, and when the call is over. Pure: the room's events are passed in.

The agent is linked to the first caller to join. When that one leaves and others are still there, it
is linked to the one that has been there longest; when nobody is left, the call ends: at once if
the last one hung up, after a grace period if the connection was lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field

RETURN_GRACE_S = 30.0
"""How long a caller whose connection broke may take to come back."""

ARRIVAL_GRACE_S = 60.0
"""How long the first caller may take to come."""


@dataclass(frozen=True)
class Link:
    """Listen to this caller."""

    identity: str


@dataclass(frozen=True)
class EndAfter:
    """End the call unless a caller comes within `delay_s`."""

    delay_s: float


@dataclass
class Callers:
    """The people in the room in the order they came."""

    _present: list[str] = field(default_factory=list)
    linked: str | None = None

    def joined(self, identity: str) -> Link | None:
        if identity not in self._present:
            self._present.append(identity)
        return self._link(identity) if self.linked in (None, identity) else None

    def left(self, identity: str, *, hung_up: bool) -> Link | EndAfter | None:
        if identity in self._present:
            self._present.remove(identity)
        if not self._present:
            self.linked = None
            return EndAfter(0.0 if hung_up else RETURN_GRACE_S)
        if identity != self.linked:
            return None
        return self._link(self._present[0])

    def prefer(self, identity: str) -> None:
        """Listens to this one of those present: they were talking before."""
        if identity in self._present:
            self.linked = identity

    @property
    def present(self) -> tuple[str, ...]:
        return tuple(self._present)

    @property
    def alone(self) -> bool:
        return not self._present

    def _link(self, identity: str) -> Link:
        self.linked = identity
        return Link(identity)
