"""Numbers as people say them. Pure; takes lower-case words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz import fuzz

_ONES = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: value
    for value, word in zip(
        range(20, 100, 10),
        "twenty thirty forty fifty sixty seventy eighty ninety".split(),
        strict=True,
    )
}
_SCALES = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
FRACTIONS = {"half": 0.5, "quarter": 0.25}
_SOUNDS_LIKE = {
    "to": "two",
    "too": "two",
    "for": "four",
    "fore": "four",
    "won": "one",
    "ate": "eight",
    "tan": "ten",
    "then": "ten",
    "tin": "ten",
    "fourty": "forty",
    "sex": "six",
    "fife": "five",
    "free": "three",
    "tree": "three",
    "sick": "six",
    "sicks": "six",
    "night": "nine",
}
"""What a recogniser writes where only a number makes sense."""

_NEVER_NUMBERS = frozenset(["the", "a", "an", "of", "some", "few", "this", "that"])
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_MIN_MISHEARD_SCORE = 75


def parse_number(words: Sequence[str]) -> float | None:
    """The number that all of `words` make ("two and a half" is 2.5); None if they make none."""
    words = [word for word in words if word != "-"] if list(words[:1]) != ["-"] else list(words)
    if words and words[0] in ("minus", "negative", "-"):
        number = parse_number(words[1:])
        return None if number is None else -number
    if words[-2:] in (["a", "half"], ["a", "quarter"]) and len(words) > 3 and words[-3] == "and":
        whole = parse_number(words[:-3])
        return None if whole is None else whole + FRACTIONS[words[-1]]
    if "point" in words:
        return _parse_decimal(words)
    return _parse_whole(words)


def parse_misheard(words: Sequence[str]) -> float | None:
    """As `parse_number`, where nothing but a number makes sense: "for" is four, "tense" is ten."""
    number = parse_number(words)
    return parse_number([_as_number(word) for word in words]) if number is None else number


def format_number(number: float) -> str:
    """Without a decimal point where none is needed: "12", "0.5"."""
    return str(int(number)) if number == int(number) else repr(number)


def _parse_decimal(words: Sequence[str]) -> float | None:
    at = list(words).index("point")
    whole = parse_number(words[:at]) if at else 0.0
    digits = [_small_digits(word) for word in words[at + 1 :]]
    if whole is None or not digits or None in digits:
        return None
    return float(f"{int(whole)}." + "".join(digit for digit in digits if digit is not None))


def _small_digits(word: str) -> str | None:
    if word.isascii() and word.isdigit():
        return word
    value = _ONES.get(word)
    return None if value is None or value > 9 else str(value)


def _parse_whole(words: Sequence[str]) -> float | None:
    if not words or words[-1] == "and" or words[0] == "and":
        return None
    if len(words) == 1 and _DIGITS.fullmatch(words[0]):
        return float(words[0])
    total, group = 0.0, 0.0
    step = float("inf")
    has_digits = False
    for position, word in enumerate(words):
        value = _word_value(word, position, words)
        if word == "and" and position:
            continue
        if word == "hundred":
            group, step, has_digits = (group or 1) * 100, 100, True
        elif word in _SCALES:
            total, group = total + (group or 1) * _SCALES[word], 0.0
            step, has_digits = float("inf"), True
        elif value is None or value >= step:
            return None
        else:
            group, has_digits = group + value, True
            step = 10 if value in _TENS.values() else 1
    return total + group if has_digits else None


def _word_value(word: str, position: int, words: Sequence[str]) -> float | None:
    if _DIGITS.fullmatch(word):
        return float(word)
    if word in ("a", "an"):
        follows = words[position + 1] if position + 1 < len(words) else ""
        return 0.0 if follows == "hundred" or follows in _SCALES else None
    return _ONES.get(word, _TENS.get(word))


@lru_cache(maxsize=1024)
def _as_number(word: str) -> str:
    if word in _SOUNDS_LIKE or word in _NEVER_NUMBERS:
        return _SOUNDS_LIKE.get(word, word)
    known = [*_ONES, *_TENS, "hundred", "and"]
    best = max(known, key=lambda name: fuzz.ratio(word, name))
    return best if fuzz.ratio(word, best) >= _MIN_MISHEARD_SCORE else word
