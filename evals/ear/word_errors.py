"""What a recogniser made of a sentence, word by word. Pure."""

from __future__ import annotations

from rapidfuzz.distance import Levenshtein

from evals.ear.flite import spoken_words


def word_errors(said: str, heard: str) -> tuple[int, int]:
    """Words left out, put in or changed, and how many were said; without case and punctuation."""
    words = spoken_words(said)
    return Levenshtein.distance(words, spoken_words(heard)), len(words)
