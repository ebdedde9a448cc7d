"""Written text to text that an engine reads well."""

from __future__ import annotations

from collections.abc import Callable

from .english import in_words
from .markup import plain_text


def speakable(text: str) -> str:
    """A clause of Markdown in English, as it is read out."""
    return in_words(plain_text(text))


def normaliser(language: str) -> Callable[[str], str]:
    """For the language of a text; only English is known, elsewhere markup goes and no more."""
    return speakable if language.lower().split("-")[0].split("_")[0] == "en" else plain_text
