"""What a session needs of the connection to its caller."""

from __future__ import annotations

from typing import Protocol

from .protocol import Kind


class Wire(Protocol):
    """The caller of a session."""

    @property
    def is_writable(self) -> bool:
        """The caller reads what it is sent."""
        ...

    def send(self, kind: Kind, session: int, payload: bytes = b"") -> None: ...

    def ended(self, session: int) -> None:
        """The session is over; no frame of it follows."""
        ...
