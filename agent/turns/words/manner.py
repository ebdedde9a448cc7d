"""How the caller speaks in this turn: somebody who dictates or thinks aloud pauses again and again."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from agent.turns.words.digits import is_letter, is_number
from agent.turns.words.lexicon import FILLERS, MONTHS, ORDINALS, WEEKDAYS

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
_ALSO_STREETS = frozenset(
    "close way grove row hill gardens mews place court square drive rise park view".split()
)
"""Streets only right behind a number and a name: `seven orchard close`."""
_NOT_IN_NAMES = FILLERS | frozenset(
    "a an and at by for from i in is it my of on or the to we with you".split()
)
_DATE_WORDS = MONTHS | WEEKDAYS | ORDINALS | {"the", "of", "on", "at", "and", "in"}
_VAGUE_ORDINALS = frozenset({"first", "second", "third"})
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
    tells_date: bool = False
    """The words end in a day or an hour: the month or the minutes may follow."""
    is_bare_date: bool = False
    """Nothing was said but a date."""


def manner(tokens: Sequence[str]) -> Manner:
    """Of the words of a turn so far, lower case."""
    return Manner(
        dictates=_dictates(tokens[-_RECENT_WORDS:]),
        thinks=_thinks(tokens),
        tells_date=_tells_date(tokens),
        is_bare_date=_is_bare_date(tokens),
    )


def _dictates(tokens: Sequence[str]) -> bool:
    letters = sum(is_letter(word) and word not in {"a", "i", "o"} for word in tokens)
    spelled = letters + sum(word in _ALPHABETS for word in tokens if letters)
    if any(word in _SYMBOLS for word in tokens) or spelled >= 2:
        return True
    if tokens and is_letter(tokens[-1]) and tokens[-1] not in {"a", "i"}:
        return True
    return _has_address(tokens) or _ends_in_digits(tokens)


def _has_address(tokens: Sequence[str]) -> bool:
    """`eleven old mill lane`, `flat seven`: a number near a word of addresses."""
    if ("p", "o", "box") in zip(tokens, tokens[1:], tokens[2:], strict=False):
        return True
    places = [index for index, word in enumerate(tokens) if word in _STREETS]
    if any(any(is_number(word) for word in tokens[max(0, at - 4) : at + 2]) for at in places):
        return True
    return any(_is_street(tokens[:at]) for at, word in enumerate(tokens) if word in _ALSO_STREETS)


def _is_street(before: Sequence[str]) -> bool:
    """A number and a name of one or two words."""
    name = list(itertools.takewhile(lambda word: not is_number(word), reversed(before)))
    return 0 < len(name) <= min(2, len(before) - 1) and not _NOT_IN_NAMES & set(name)


def _ends_in_digits(tokens: Sequence[str]) -> bool:
    """Two number words or more in a row, up to two words before the end."""
    rows = [is_number(word) and is_number(after) for word, after in itertools.pairwise(tokens)]
    return any(rows[-3:]) or any(map(_is_code, tokens[-3:], tokens[-2:]))


def _is_code(letter: str, number: str) -> bool:
    """`q nine`; not `i one`."""
    return is_letter(letter) and letter not in {"a", "i"} and is_number(number)


def _tells_date(tokens: Sequence[str]) -> bool:
    """`the twenty third`, `at ten`."""
    if len(tokens) < 2:
        return False
    before, last = tokens[-2:]
    if last in ORDINALS:
        return last not in _VAGUE_ORDINALS or is_number(before)
    return before == "at" and is_number(last)


def _is_bare_date(tokens: Sequence[str]) -> bool:
    if not any(word in MONTHS | WEEKDAYS | ORDINALS for word in tokens):
        return False
    return all(word in _DATE_WORDS or is_number(word) for word in tokens)


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
