"""How the caller speaks in this turn: somebody who dictates or thinks aloud pauses again and again."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from agent.turns.words.digits import is_letter, is_number
from agent.turns.words.lexicon import FILLERS

_RECENT_WORDS = 14
_SYMBOLS = frozenset("dot dash slash underscore hyphen apostrophe backslash hash plus".split())
_ALPHABETS = frozenset(
    "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec "
    "romeo sierra tango uniform victor whiskey xray yankee zulu".split()
)
_STREETS = frozenset(
    "street road avenue lane boulevard crescent terrace highway floor flat "
    "apartment suite building block postcode zip".split()
)
_THINKING = FILLERS | {"erm", "hm", "hmmm"}
_STALLS = (
    ("let", "me", "think"),
    ("let", "me", "see"),
    ("let", "me", "check"),
    ("hold", "on"),
    ("hang", "on"),
    ("one", "moment"),
    ("one", "second"),
    ("what", "is", "it", "called"),
    ("what's", "it", "called"),
    ("how", "do", "i", "say"),
    ("i", "mean"),
    ("you", "know"),
)


@dataclass(frozen=True, kw_only=True)
class Manner:
    dictates: bool = False
    """A number, a spelling, an address or an e-mail address is under way, or may be."""
    thinks: bool = False
    """There was an `um`, a `let me see`, a word said twice."""


def manner(tokens: Sequence[str]) -> Manner:
    """Of the words of a turn so far, lower case."""
    return Manner(dictates=_dictates(tokens[-_RECENT_WORDS:]), thinks=_thinks(tokens))


def _dictates(tokens: Sequence[str]) -> bool:
    letters = sum(is_letter(word) and word not in {"a", "i", "o"} for word in tokens)
    spelled = letters + sum(word in _ALPHABETS for word in tokens if letters)
    if any(word in _SYMBOLS for word in tokens) or spelled >= 2:
        return True
    return _has_address(tokens) or _ends_in_digits(tokens)


def _has_address(tokens: Sequence[str]) -> bool:
    """`eleven old mill lane`, `flat seven`: a number near a word of addresses."""
    places = [index for index, word in enumerate(tokens) if word in _STREETS]
    return any(any(is_number(word) for word in tokens[max(0, at - 4) : at + 2]) for at in places)


def _ends_in_digits(tokens: Sequence[str]) -> bool:
    """Two number words or more in a row, up to two words before the end."""
    rows = [is_number(word) and is_number(after) for word, after in itertools.pairwise(tokens)]
    return any(rows[-3:])


def _thinks(tokens: Sequence[str]) -> bool:
    if any(word in _THINKING for word in tokens):
        return True
    if any(one == other and not is_number(one) for one, other in itertools.pairwise(tokens)):
        return True
    return any(
        tuple(tokens[start : start + len(stall)]) == stall
        for stall in _STALLS
        for start in range(len(tokens))
    )
