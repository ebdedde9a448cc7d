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
_MARK = "PartialEndsHere7f3a9c"
"""Stands at the end of the caller's words while the template is applied. Letters and digits only:
no template escapes or trims them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token that may come next."""

    token: int
    text: str
    logprob: float


def mark(partial: str) -> str:
    """The caller's words as the template gets them."""
    return partial + _MARK


def split_at_mark(rendered: str) -> tuple[str, str] | None:
    """(the prompt up to the caller's last word, what the template writes after it); None if the
    template left the words out."""
    before, found, after = rendered.rpartition(_MARK)
    return (before, after) if found else None


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
    mark_text = text.strip()
    return mark_text.startswith(_SENTENCE_ENDS) and not mark_text.startswith("..")
