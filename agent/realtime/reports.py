"""What a realtime model tells the call beside livekit's own events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, get_args, runtime_checkable

from agent.realtime.input_gate import InputGate

Reason = Literal["refused", "connection", "late", "stalled", "endless", "error", "sound"]
"""Why the cascade takes over: no session to be had; one that ended; no answer in time; an answer that
does not go on, or not end; an error instead of an answer; sound that cannot be used."""

REASONS: tuple[Reason, ...] = get_args(Reason)


@dataclass
class Reports:
    """Set by the call; until then nobody listens."""

    ready: Callable[[], None] = lambda: None
    """There is a session."""
    asked: Callable[[], None] = lambda: None
    """An answer was asked for."""
    saying: Callable[[str], None] = lambda text: None
    """A sentence was asked for, word for word."""
    failed: Callable[[Reason, str], None] = lambda reason, detail: None


@runtime_checkable
class Forgetful(Protocol):
    """A model whose new connection knows nothing of what was said over the old one."""

    unanswered_s: Callable[[], float]
    """Asked at a new connection: how much of the caller's newest sound it has to be given again."""


@runtime_checkable
class Reporting(Protocol):
    """A model that tells more than livekit asks for."""

    reports: Reports
    gate: InputGate | None

    def give_up(self) -> None:
        """Whoever waits for the model need not wait any longer."""
        ...
