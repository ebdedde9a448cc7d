"""The server's semantic VAD: which of its scores are about the caller. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

HEAD = 2
"""Of the scores for pauses of 0.5, 1, 2 and 3 s: the one that Kyutai's own programs decide by."""

_MOST_OWED = 8_192
"""Frames, eleven minutes: a server that is so far behind is not listened to."""


@dataclass
class PauseScores:
    """One score for each frame that was sent, in their order.

    A score counts when its frame was the caller's, and no silence of ours came before it in the
    same pause: of that the model would say that the pause is long.
    """

    score: float | None = None
    """The newest that counts."""
    are_told: bool = False
    """The model has such scores."""
    _counts: deque[bool] = field(default_factory=lambda: deque(maxlen=_MOST_OWED))

    @property
    def owed(self) -> int:
        """Frames whose score has not come yet."""
        return len(self._counts)

    def sent(self, frames: int, *, counts: bool) -> None:
        self._counts.extend([counts] * frames)

    def told(self, scores: Sequence[float]) -> None:
        self.are_told = True
        counts = self._counts.popleft() if self._counts else False
        if counts and scores:
            self.score = scores[min(HEAD, len(scores) - 1)]
