"""Digits and letters as they are dictated: `double four`, `oh`, `twenty one`, `b as in bravo`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.turns.words.lexicon import FILLERS

_UNITS = {
    word: digit
    for digit, words in enumerate(
        ("zero oh o nought", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    )
    for word in words.split()
}
_TEENS = frozenset(
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
)
_TENS = frozenset("twenty thirty forty fifty sixty seventy eighty ninety".split())
_SCALES = {"hundred": 2, "thousand": 3, "million": 6}
_REPEATS = {"double": 2, "triple": 3, "treble": 3}


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of dictated characters at the end of the words."""

    digits: int = 0
    letters: str = ""
    words: int = 0
    """How many words the run takes."""
    leads_with_zero: bool = False
    spoken_singly: bool = True
    """Begins digit by digit; false for `twelve` or `two hundred`."""
    awaits_more: bool = False
    """Ends in `double`, `as in`, `for`: something has to follow."""

    @property
    def characters(self) -> int:
        return self.digits + len(self.letters)


def is_number(word: str) -> bool:
    return (
        word in _UNITS or word in _TEENS or word in _TENS or word in _SCALES or word[:1].isdigit()
    )


def is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha()


def trailing_run(tokens: Sequence[str]) -> Run:
    """The run of digits and letters that the words end in, fillers inside it ignored."""
    start = len(tokens)
    while start > 0 and _belongs(tokens, start - 1):
        start -= 1
    while start < len(tokens) and tokens[start] in FILLERS | {"and"}:
        start += 1
    return _count(tokens[start:])


def _belongs(tokens: Sequence[str], index: int) -> bool:
    word = tokens[index]
    if is_number(word) or is_letter(word) or word in _REPEATS or word in FILLERS or word == "dash":
        return True
    previous = tokens[index - 1] if index else ""
    if word == "and":
        return previous in _SCALES
    if word == "in":
        return previous == "as" and index > 1 and is_letter(tokens[index - 2])
    if word == "as":
        return is_letter(previous)
    if word == "for":
        return is_letter(previous)
    return previous in {"in", "for"} and index > 1 and _belongs(tokens, index - 1)


def _count(run: Sequence[str]) -> Run:
    digits, letters, leads_with_zero = 0, "", False
    is_spelled = not any(is_number(word) and word != "o" for word in run)
    for index, word in enumerate(run):
        if is_letter(word) and (is_spelled or word != "o"):
            letters += word
            continue
        added = _digits_of(word, run[index - 1] if index else "")
        leads_with_zero = leads_with_zero or (digits == 0 and word in {"oh", "zero", "o"})
        if word[:1] == "0" and digits == 0:
            leads_with_zero = True
        digits += added
    return Run(
        digits=max(0, digits),
        letters=letters,
        words=len(run),
        leads_with_zero=leads_with_zero,
        spoken_singly=all(_is_spoken_singly(word) for word in run[:2]),
        awaits_more=bool(run) and (run[-1] in _REPEATS or run[-1] in {"in", "as", "for", "dash"}),
    )


def _is_spoken_singly(word: str) -> bool:
    return word in _UNITS or word in _REPEATS or not is_number(word)


def _digits_of(word: str, previous: str) -> int:
    if word in _UNITS:
        return 0 if previous in _TENS else _REPEATS.get(previous, 1)
    if word in _TEENS or word in _TENS:
        return 2
    if word in _SCALES:
        return _SCALES[word]
    return sum(character.isdigit() for character in word)
