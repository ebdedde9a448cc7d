"""What a realtime session was given of a turn that is not over: the one that follows has to hear it, too. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from agent.realtime.input_gate import LEAD_S
from agent.realtime.turn_audio import LONGEST_S

Event = dict[str, Any]

_APPEND = "input_audio_buffer.append"
_SETTLING = ("input_audio_buffer.commit", "input_audio_buffer.clear")
"""By us: the server has the turn as a whole, or is to forget it."""

_ENDS = ("input_audio_buffer.speech_stopped", "input_audio_buffer.committed")
"""By a server that finds turns itself."""

_BASE64_PER_S = 24_000 * 2 * 4 / 3


@dataclass
class Unheard:
    """The sound in a session's input buffer, as the events that brought it."""

    finds_turns: bool
    """The server does, so that all the silence between two turns comes, too."""
    _events: deque[Event] = field(default_factory=deque)
    _kept_s: float = 0.0
    _is_speaking: bool = False

    def sent(self, event: Event) -> None:
        """An event went to the server."""
        kind = event.get("type")
        if kind == _APPEND:
            self._events.append(event)
            self._kept_s += _length_s(event)
            is_between = self.finds_turns and not self._is_speaking
            self._forget(LEAD_S if is_between else LONGEST_S)
        elif kind in _SETTLING:
            self._clear()

    def told(self, event: Event) -> None:
        """An event came from it."""
        kind = event.get("type")
        if kind == "input_audio_buffer.speech_started":
            self._is_speaking = True
        elif self.finds_turns and kind in _ENDS:
            self._is_speaking = False
            self._clear()

    def take(self) -> list[Event]:
        """All of it, in order. The session that knew it is gone."""
        events = list(self._events)
        self._is_speaking = False
        self._clear()
        return events

    def _clear(self) -> None:
        self._events.clear()
        self._kept_s = 0.0

    def _forget(self, but_s: float) -> None:
        while self._kept_s > but_s:
            self._kept_s -= _length_s(self._events.popleft())


def _length_s(event: Event) -> float:
    return len(event.get("audio", "")) / _BASE64_PER_S
