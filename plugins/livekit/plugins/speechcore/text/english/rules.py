"""How a rule for reading something out is written down."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from livekit.plugins.speechcore.text.abbreviations import STARTERS

Say = Callable[[re.Match[str]], str] | str
Rule = tuple[re.Pattern[str], Say]

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
"""Digits as they are written: 12, 1,234, 3.50."""

START = r"(?<![\w.,:/-])"
"""Nothing of a number or a word stands before."""

STOP = rf"(?:\.(?=\s*\S)(?!\s+(?:{STARTERS})\b))?"
"""The full stop of an abbreviation; one that ends a sentence, too, stays."""


def rule(pattern: str, say: Say, *, flags: int = 0) -> Rule:
    """`say` gives the words for a match, or is the template of them."""
    return re.compile(pattern, flags), say


def spelled(letters: str) -> str:
    """“A.P.I”: the stops keep an engine from reading an A as the article."""
    return ".".join(letters.upper())


def apply(rules: Sequence[Rule], text: str) -> str:
    for pattern, say in rules:
        text = pattern.sub(say, text)
    return text
