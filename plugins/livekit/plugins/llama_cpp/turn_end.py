"""How likely the caller's turn ends here, from a language model's next token. Pure.

The model has read the conversation and the caller's words so far. If the turn is over, what it
expects next is the chat template's end-of-turn token, or the punctuation before it, which most
recognisers do not write.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_SENTENCE_ENDS = (".", "?", "!", "。", "？", "！")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token that may come next."""

    token: int
    text: str
    logprob: float


def end_probability(candidates: Iterable[Candidate], end_token: int) -> float:
    """0..1. Candidates that are not listed count as impossible: they are unlikely ones."""
    total = sum(
        math.exp(candidate.logprob)
        for candidate in candidates
        if candidate.token == end_token or _ends_sentence(candidate.text)
    )
    return min(1.0, total)


def _ends_sentence(text: str) -> bool:
    """Full stops and the like; dots in a row are a hesitation."""
    mark = text.strip()
    return mark.startswith(_SENTENCE_ENDS) and not mark.startswith("..")
