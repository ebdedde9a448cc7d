"""When a caller who waits for a tool is told that it takes a moment, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(kw_only=True)
class Fillers:
    """At most one phrase between two turns of the caller, none where the agent has said something
    itself, and no second one before it has answered.
    """

    delay_s: float
    """How long a tool may run in silence; 0 for no fillers."""
    phrases: Sequence[str]
    """Two or more: they take turns."""
    _waiting_since_s: float | None = None
    _is_wanted: bool = True
    """Nothing has been said since the caller's turn."""
    _has_answered: bool = True
    """The agent has spoken its own words since the last filler."""
    _next: int = 0

    def process(
        self,
        now_s: float,
        *,
        tool_running: bool,
        user_active: bool,
        agent_speaking: bool,
        agent_busy: bool,
    ) -> str | None:
        """A phrase that is to be said now. To be called when one of these changes and at `due_s`.

        `agent_speaking` counts its own words only, not a filler's. `agent_busy` means that there
        may be words on their way.
        """
        if agent_speaking:
            self._has_answered, self._is_wanted = True, False
        elif user_active:
            self._is_wanted = self._has_answered
        if not tool_running or user_active or agent_speaking:
            self._waiting_since_s = None
        elif self._waiting_since_s is None:
            self._waiting_since_s = now_s
        if self.due_s is None or now_s < self.due_s:
            return None
        if agent_busy:
            self._waiting_since_s = now_s
            return None
        return self._take()

    @property
    def due_s(self) -> float | None:
        """When the caller will have waited long enough, on the clock of `now_s`."""
        if self._waiting_since_s is None or not self._is_wanted or not self.delay_s:
            return None
        return self._waiting_since_s + self.delay_s

    def _take(self) -> str:
        self._has_answered = self._is_wanted = False
        phrase = self.phrases[self._next]
        self._next = (self._next + 1) % len(self.phrases)
        return phrase
