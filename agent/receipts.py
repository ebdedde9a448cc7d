"""Which typed texts have come, so that one that is sent again is answered once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Self

ANNOUNCEMENT = {"parley.receipts": "1"}
"""Attributes of agents that acknowledge texts: such texts may be sent again."""
ID_ATTRIBUTE = "parley.id"
"""Of a text: what its sender calls it, each time that they send it."""
LONGEST_ID = 64
"""Characters; under a longer one a text is taken as one without an id."""


class TextId(NamedTuple):
    """A text's, among those of all senders."""

    sender: str
    """Identity of a participant."""
    id: str

    @classmethod
    def of(cls, sender: str, attributes: Mapping[str, str] | None) -> Self | None:
        """None for a text that its sender does not know again."""
        given = (attributes or {}).get(ID_ATTRIBUTE, "")
        return cls(sender, given) if 0 < len(given) <= LONGEST_ID else None


class SeenTexts:
    """The last `most` texts; None, for one without an id, leaves everything as it is."""

    def __init__(self, most: int = 200) -> None:
        self._most = most
        self._is_taken: dict[TextId, bool] = {}

    def __contains__(self, text: TextId) -> bool:
        return text in self._is_taken

    def begin(self, text: TextId | None) -> None:
        """It has begun to come; until it is taken or forgotten it is known, and no more."""
        if text is None:
            return
        self._is_taken[text] = False
        if len(self._is_taken) > self._most:
            del self._is_taken[next(iter(self._is_taken))]

    def take(self, text: TextId) -> None:
        """The agent has it."""
        if text in self._is_taken:
            self._is_taken[text] = True

    def is_taken(self, text: TextId) -> bool:
        return self._is_taken.get(text, False)

    def forget(self, text: TextId | None) -> None:
        """It did not come whole, or could not be taken: it may come again."""
        if text is not None:
            self._is_taken.pop(text, None)
