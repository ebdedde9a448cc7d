"""What the simulated LLM says, and what the simulated TTS reads out of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

CHARACTERS_PER_S = 15.0
"""How fast text is spoken that the simulated LLM did not write."""

_NUMBERED = re.compile(r"\bReply (\d+)\b")
_UNDECIDED = re.compile(r"\s*(?:R(?:e(?:p(?:l(?:y(?: \d*)?)?)?)?)?)?")


def reply_text(number: int) -> str:
    """Three sentences, each of which names the reply's number: a clause alone tells whose it is."""
    return (
        f"Reply {number} starts with this sentence. "
        f"Reply {number} goes on with a second one. "
        f"Reply {number} ends with a third."
    )


def split_tokens(text: str) -> list[str]:
    """Words with the blank behind them. The first two are one token, for it names the reply."""
    return re.findall(r"\A\S+\s\S+\s+|\S+\s*", text)


def count_characters(text: str) -> int:
    """Characters that are not blank, so that the shares of all clauses add up to the whole."""
    return len("".join(text.split()))


def is_speakable(text: str) -> bool:
    """Whether there is a letter or a digit to pronounce."""
    return any(character.isalnum() for character in text)


@dataclass(frozen=True, slots=True)
class Voice:
    """How a text is spoken."""

    number: int
    """Of the reply; 0 for any other text."""
    seconds_per_character: float

    @property
    def tone_hz(self) -> float:
        return 440.0 + 60.0 * (self.number % 8)


class VoiceChooser:
    """Finds the reply a text belongs to. Remembers the newest one for a clause without a number."""

    def __init__(self, reply_s: float) -> None:
        self._reply_s = reply_s
        self._newest: int | None = None

    def choose(self, text: str, *, is_complete: bool) -> Voice | None:
        """The voice for `text`; None while its beginning does not tell yet, if more may come."""
        if not is_complete and _UNDECIDED.fullmatch(text):
            return None
        match = _NUMBERED.search(text)
        number = int(match[1]) if match else self._newest
        wanted = text.strip()
        if number is None or not wanted or wanted not in reply_text(number):
            return Voice(0, 1 / CHARACTERS_PER_S)
        self._newest = number
        return Voice(number, self._reply_s / count_characters(reply_text(number)))
