"""The words of the caller's turn so far, put together from the recogniser's events."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_WORD = re.compile(r"[^\W_]+(?:['’.@][^\W_]+)*")


def same_words(one: str, other: str) -> bool:
    """Whether two transcripts differ in case and punctuation only."""
    return _words(one) == _words(other)


@dataclass
class TurnTranscript:
    """Finals of the turn and the newest partial. Seconds are the caller's of `now_s`."""

    finals: list[str] = field(default_factory=list)
    partial: str = ""
    changed_s: float | None = None
    """When the words last changed."""
    _speculated: str | None = None

    @property
    def text(self) -> str:
        return " ".join([*self.finals, self.partial]).strip()

    def heard(self, partial: str, now_s: float) -> None:
        """A partial transcript of the segment in progress."""
        if not same_words(partial, self.partial):
            self.changed_s = now_s
        self.partial = partial

    def finalised(self, text: str, now_s: float) -> None:
        """A final transcript of the segment; an empty one adds nothing."""
        if text:
            self.heard(text, now_s)
            self.finals.append(text)
        self.partial = ""

    def speculate(self) -> bool:
        """True once for each text: an answer to it may be begun."""
        if not self.partial or (
            self._speculated is not None and same_words(self._speculated, self.text)
        ):
            return False
        self._speculated = self.text
        return True

    def clear(self) -> None:
        """The turn was committed; what comes belongs to the next."""
        self.finals.clear()
        self.partial = ""
        self.changed_s = self._speculated = None


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]
