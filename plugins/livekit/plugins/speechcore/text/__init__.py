"""Text on its way to a voice: cut into clauses, in the words that are read out."""

from .clauses import DEFAULT_LENGTH, Break, ClauseLength, ClauseSplitter
from .markup import plain_text
from .normalise import normaliser, speakable
from .pauses import pause_after_ms

__all__ = [
    "DEFAULT_LENGTH",
    "Break",
    "ClauseLength",
    "ClauseSplitter",
    "normaliser",
    "pause_after_ms",
    "plain_text",
    "speakable",
]
