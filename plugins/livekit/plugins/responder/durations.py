"""Durations as people say them. Pure; takes lower-case words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz import fuzz

from .numbers import FRACTIONS, parse_misheard, parse_number

_UNITS_S = {
    **dict.fromkeys(("second", "seconds", "sec", "secs", "s"), 1.0),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), 60.0),
    **dict.fromkeys(("hour", "hours", "hr", "hrs", "h"), 3600.0),
}


def parse_duration(words: Sequence[str]) -> float | None:
    """Seconds that all of `words` make ("an hour and a half", "ten seconds"); None if none.

    Words that a recogniser confuses with numbers count as the number: "for minutes" is four.
    """
    parts = [word for word in words if word != "and"]
    if "and" in words and words[0] == "and":
        return None
    total_s, begin = 0.0, 0
    smallest_s = float("inf")
    for index, word in enumerate(parts):
        unit_s = _unit_s(word)
        if unit_s is None:
            continue
        count = _parse_count(parts[begin:index])
        if count is None or unit_s >= smallest_s:
            return None
        total_s += count * unit_s
        smallest_s, begin = unit_s, index + 1
    rest = parts[begin:]
    if rest in (["a", "half"], ["half"], ["a", "quarter"]) and smallest_s < float("inf"):
        return total_s + FRACTIONS[rest[-1]] * smallest_s
    return total_s if total_s > 0 and not rest else None


def is_unit(word: str) -> bool:
    """Whether durations are counted in it."""
    return _unit_s(word) is not None


def _parse_count(words: Sequence[str]) -> float | None:
    """How many of a unit: also "a", "half a", "a couple of", and what was misheard."""
    spoken = [word for word in words if word != "of"]
    match spoken:
        case ["a"] | ["an"]:
            return 1.0
        case ["half"] | ["half", "a" | "an"] | ["a", "half"]:
            return 0.5
        case ["quarter"] | ["a", "quarter"] | ["quarter", "a" | "an"] | ["a", "quarter", "an"]:
            return 0.25
        case ["three", "quarters"] | ["three", "quarters", "an"]:
            return 0.75
        case ["couple"] | ["a", "couple"]:
            return 2.0
        case [*whole, "a", "half"] | [*whole, "half"] if whole:
            number = parse_number(whole)
            return None if number is None else number + 0.5
    return parse_misheard(spoken)


@lru_cache(maxsize=1024)
def _unit_s(word: str) -> float | None:
    """Long unit words may be misheard a little: "minutes" as "minuets"."""
    if word in _UNITS_S:
        return _UNITS_S[word]
    if len(word) < 5:
        return None
    best = max(_UNITS_S, key=lambda unit: fuzz.ratio(word, unit))
    return _UNITS_S[best] if len(best) > 5 and fuzz.ratio(word, best) >= 85 else None
