"""The text of one request, complete or still being written."""

from __future__ import annotations

from livekit.plugins.speechcore.text import ClauseLength, ClauseSplitter

_PARTS = ClauseLength(sentence_chars=4, comma_chars=60, conjunction_chars=120, max_chars=200)
_NEVER = 1_000_000
_SENTENCES = ClauseLength(
    sentence_chars=20, comma_chars=_NEVER, conjunction_chars=_NEVER, max_chars=_NEVER
)
"""Engines that take text as it is written put shorter ones together."""
_CONTEXT_CHARS = 25
"""They look at so much of the next sentence before they begin with one."""


class Script:
    """Grows at its end; every reader has its own place in it."""

    def __init__(self, text: str = "", *, is_complete: bool = False) -> None:
        """One that is complete from the start is given to an engine as it is."""
        self.text = text
        self.is_complete = self.is_one_part = is_complete
        self._sentences = ClauseSplitter(length=_SENTENCES)
        self._read = 0
        self._due = 0

    def push(self, text: str) -> None:
        self.text += text

    def finish(self) -> None:
        self.is_complete = True

    def due(self) -> int:
        """Up to which offset an engine can be expected to speak without seeing more."""
        if self.is_complete:
            return len(self.text)
        seen = max(self._read, len(self.text) - _CONTEXT_CHARS)
        self._sentences.push(self.text[self._read : seen])
        self._read = seen
        while (sentence := self._sentences.take()) is not None:
            self._due += len(sentence)
        return self._due


class PartReader:
    """Reads a script in parts, each of which can be spoken by itself."""

    def __init__(self, script: Script, offset: int) -> None:
        self.offset = offset
        """Where the next part begins."""
        self._script = script
        self._read = offset
        self._splitter = ClauseSplitter(length=_PARTS)

    def take(self) -> str | None:
        """The next part; None if there is none yet, or no more."""
        script = self._script
        if script.is_one_part:
            part = script.text[self.offset :] or None
        else:
            self._splitter.push(script.text[self._read :])
            self._read = len(script.text)
            if script.is_complete:
                self._splitter.finish()
            part = self._splitter.take()
        self.offset += len(part or "")
        return part
