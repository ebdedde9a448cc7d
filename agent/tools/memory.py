"""What a caller asked to remember, for the length of the call."""

from __future__ import annotations

from rapidfuzz import fuzz, process, utils

MAX_NOTES = 200
LONGEST_NOTE = 500
"""Characters; what is longer is cut."""
_MIN_SCORE = 60


class Memory:
    """Notes in the order they were given; the oldest goes when there are `MAX_NOTES`."""

    def __init__(self) -> None:
        self._notes: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """The oldest first."""
        return tuple(self._notes)

    def remember(self, note: str) -> None:
        self._notes = [*self._notes[-(MAX_NOTES - 1) :], note.strip()[:LONGEST_NOTE]]

    def recall(self, query: str) -> str | None:
        """The note nearest to `query`; the last one for an empty query; None if nothing fits."""
        if not self._notes:
            return None
        if not query.strip():
            return self._notes[-1]
        match = process.extractOne(
            query,
            list(reversed(self._notes)),
            scorer=fuzz.token_set_ratio,
            processor=utils.default_process,
            score_cutoff=_MIN_SCORE,
        )
        return match[0] if match else None
