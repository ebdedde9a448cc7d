"""The caller's turn in progress: of one that a process's death cuts in two, its words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_GAP = "…"
_TOLD_WORDS = 8


@dataclass
class UnfinishedTurn:
    """What was said while nobody listened is lost: a "…" stands for it."""

    before: str = ""
    """Heard by a process that died."""
    heard: str = ""
    """Heard by this one, so far."""
    _is_whole: bool = False

    @property
    def text(self) -> str:
        return _joined(self.before, self.heard)

    def whole(self, words: str) -> str:
        """All of the turn that ended with `words`, as this process has heard it."""
        self._is_whole = True
        return _joined(self.before, words)

    def taken(self) -> None:
        """A message of the caller's went into the conversation; a typed one is no end of the turn."""
        if self._is_whole:
            self.forget()
        self.heard = ""

    def forget(self) -> None:
        """Somebody else speaks now."""
        self.before = self.heard = ""
        self._is_whole = False


def last_words(text: str) -> str:
    """So many that a caller knows where to go on."""
    return " ".join(text.split()[-_TOLD_WORDS:]).strip(f" .,;:!?{_GAP}")


def _joined(first: str, then: str) -> str:
    return f" {_GAP} ".join(filter(None, (first, then)))
