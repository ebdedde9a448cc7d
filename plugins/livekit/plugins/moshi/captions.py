"""Which of the model's words belong to which of its sound. Pure.

A word comes about a frame before its sound. livekit makes a message without any sound of words that
lie outside what is said: so they are held back until the sound begins, and dropped if none comes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .gate import SpeechGate

LEAD_MS = 1_000
"""A word that is so much earlier than any sound was never said."""


@dataclass(frozen=True)
class Caption:
    """A piece of text, and where in the model's sound it begins."""

    text: str
    at_ms: int


@dataclass
class Captions:
    """Times are milliseconds of the model's sound. The first words of what is said begin with it."""

    gate: SpeechGate = field(default_factory=SpeechGate)
    _waiting: list[Caption] = field(default_factory=list)
    _began_ms: int = 0
    _has_words: bool = False

    @property
    def is_speaking(self) -> bool:
        """Whether the newest frame belongs to something that is said."""
        return self.gate.is_open

    def sound(self, level_dbfs: float, at_ms: int, duration_s: float) -> list[Caption]:
        """Takes the next frame's level; returns the words whose sound it brings."""
        was_open = self.gate.is_open
        if not self.gate.process(level_dbfs, duration_s):
            self._waiting = [it for it in self._waiting if at_ms - it.at_ms < LEAD_MS]
            return []
        if not was_open:
            self._began_ms, self._has_words = at_ms, False
        return self._give()

    def word(self, text: str, at_ms: int) -> list[Caption]:
        """Takes the next word, which came after so much sound; returns those that are said now."""
        self._waiting.append(Caption(text, at_ms))
        return self._give() if self.gate.is_open else []

    def close(self) -> None:
        """What is being said is over, and what waits will not be said."""
        self.gate.close()
        self._waiting.clear()

    def _give(self) -> list[Caption]:
        given = []
        for word in self._waiting:
            at_ms = max(word.at_ms, self._began_ms) if self._has_words else self._began_ms
            self._has_words = True
            given.append(Caption(word.text, at_ms))
        self._waiting.clear()
        return given
