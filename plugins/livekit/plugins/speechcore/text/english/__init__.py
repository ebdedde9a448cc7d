"""English text to words as they are read out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from . import addresses, amounts, dates, numerals, words
from .rules import Rule, apply

__all__ = ["in_words"]

_DIGIT = re.compile(r"[\d½⅓⅔¼¾⅛⅜]")
_DOT_OR_SIGN = re.compile(r"\w[.@:]\w|\d")
_STOP = re.compile(r"\.|\b(?:vs\b|w/)")
_SIGN = re.compile(r"[^\w\s.,;:!?'\"’“”()-]|[_²³]")
_CAPITALS = re.compile(r"[A-Z]{2}|[CF][+#]")
_NUMERAL = re.compile(r"\d|[½⅓⅔¼¾⅛⅜]|\b[IVXLC]+\b")
_ANY = re.compile("")

_GROUPS: Sequence[tuple[re.Pattern[str], Sequence[Rule]]] = (
    (_DIGIT, dates.NUMERIC),
    (_DOT_OR_SIGN, addresses.RULES),
    (_STOP, words.ABBREVIATIONS),
    (_DIGIT, amounts.RULES),
    (_ANY, dates.RULES),
    (_SIGN, words.SYMBOLS),
    (_NUMERAL, numerals.RULES),
    (_CAPITALS, words.ACRONYMS),
    (_ANY, words.PUNCTUATION),
)
"""What a text must contain for its rules to be tried: most clauses are plain words."""


def in_words(text: str) -> str:
    """Plain text, a clause or more, without digits, symbols and abbreviations.

    The order of the rules matters: each leaves words behind that no later one touches.
    """
    for needed, rules in _GROUPS:
        if needed.search(text):
            text = apply(rules, text)
    return text.strip()
