"""Words that were heard over the agent's speech and wait for a decision."""

from __future__ import annotations

from dataclasses import dataclass, field

from livekit.agents import stt

from agent.turns.stt_events import FINAL, text_of, without_words
from agent.turns.transcript import same_words

_STALE_S = 1.5
"""Words held for so long without a decision belong to no sound that the VAD heard."""


@dataclass
class HeldWords:
    """The newest partial and every final of what was held; seconds are the caller's of `now_s`."""

    events: list[stt.SpeechEvent] = field(default_factory=list)
    _newest_s: float = 0.0
    _dropped: str = ""
    """A partial whose words were dropped: the rest of its segment may still come."""

    @property
    def text(self) -> str:
        return " ".join(text_of(event) for event in self.events)

    def hold(self, event: stt.SpeechEvent, now_s: float) -> None:
        if self.events and self.events[-1].type is not FINAL:
            self.events.pop()
        self.events.append(event)
        self._newest_s = now_s

    def are_stale(self, now_s: float) -> bool:
        return bool(self.events) and now_s - self._newest_s > _STALE_S

    def release(self) -> list[stt.SpeechEvent]:
        released, self.events = self.events, []
        return released

    def drop(self) -> list[stt.SpeechEvent]:
        """Returns finals without words, for whoever waits for one."""
        dropped = self.release()
        if dropped and dropped[-1].type is not FINAL:
            self._dropped = text_of(dropped[-1])
        return [without_words(event) for event in dropped if event.type is FINAL]

    def is_of_dropped(self, event: stt.SpeechEvent) -> bool:
        """Whether it says what was dropped; a final of any kind ends the segment."""
        is_same = bool(self._dropped) and same_words(text_of(event), self._dropped)
        if event.type is FINAL:
            self._dropped = ""
        return is_same

    def forget_dropped(self) -> None:
        """The caller speaks anew: the same words now are others."""
        self._dropped = ""
