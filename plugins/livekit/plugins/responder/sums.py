"""Sums as people say them. Pure; takes lower-case words."""

from __future__ import annotations

from collections.abc import Sequence

from .numbers import format_number, parse_misheard, parse_number

_OPERATORS = {
    "plus": "+",
    "add": "+",
    "minus": "-",
    "subtract": "-",
    "times": "*",
    "time": "*",
    "x": "*",
    "over": "/",
    "multiplied by": "*",
    "divided by": "/",
    "divide by": "/",
    "to the power of": "**",
    "squared": "** 2",
    "cubed": "** 3",
    "percent of": "/ 100 *",
    "per cent of": "/ 100 *",
    "% of": "/ 100 *",
    **{symbol: symbol for symbol in "+-*/"},
    "×": "*",
    "÷": "/",
    "^": "**",
}
_OPERATORS_BY_LENGTH = sorted(
    ((tuple(words.split()), symbol) for words, symbol in _OPERATORS.items()),
    key=lambda item: -len(item[0]),
)
_FIRST_WORDS = frozenset(spoken[0] for spoken, _ in _OPERATORS_BY_LENGTH)
_NEEDS_NO_OPERAND = ("** 2", "** 3")
_FIRST_WORDS = frozenset(spoken[0] for spoken, _ in _OPERATORS_BY_LENGTH)
_NEEDS_NO_OPERAND = ("** 2", "** 3")


def parse_expression(words: Sequence[str]) -> str | None:
    """The sum that all of `words` make, as "12 * 7"; None without an operator.

    Uses + - * / and ** only.
    """
    root = _parse_root(words)
    if root is not None:
        return root
    terms: list[str] = []
    begin = index = 0
    has_operator = False
    while index < len(words):
        found = _operator_at(words, index, begin)
        if found is None:
            index += 1
            continue
        symbol, length = found
        if not _take_operand(words[begin:index], terms):
            return None
        terms.append(symbol)
        index += length
        begin, has_operator = index, True
    if begin < len(words):
        if not _take_operand(words[begin:], terms):
            return None
    elif not terms or terms[-1] not in _NEEDS_NO_OPERAND:
        return None
    return " ".join(terms) if has_operator else None


def _operator_at(words: Sequence[str], index: int, begin: int) -> tuple[str, int] | None:
    if words[index] not in _FIRST_WORDS:
        return None
    if index == begin and words[index] in ("minus", "-"):
        return None  # a sign, not an operator
    for spoken, symbol in _OPERATORS_BY_LENGTH:
        if tuple(words[index : index + len(spoken)]) == spoken:
            return symbol, len(spoken)
    return None


def _take_operand(words: Sequence[str], terms: list[str]) -> bool:
    """After "squared" an operator may follow at once; otherwise `words` must be a number."""
    if not words:
        return bool(terms) and terms[-1] in _NEEDS_NO_OPERAND
    if terms and terms[-1] in _NEEDS_NO_OPERAND:
        return False
    number = parse_misheard(words)
    if number is None:
        return False
    terms.append(format_number(number))
    return True


def _parse_root(words: Sequence[str]) -> str | None:
    spoken = [word for word in words if word not in ("the", "of")]
    if spoken[:2] != ["square", "root"]:
        return None
    number = parse_number(spoken[2:])
    return None if number is None or number < 0 else f"{format_number(number)} ** 0.5"
