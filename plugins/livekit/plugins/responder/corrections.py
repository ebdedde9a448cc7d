"""What callers correct as they speak: "for five, no, ten minutes" is for ten minutes. Pure.

A repair has three parts: what is taken back, words that say so, and what is meant instead (Levelt 1983,
Cognition 14). It is carried out where what is taken back and what is meant are values of one kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .durations import is_unit, parse_duration
from .numbers import parse_number
from .sums import parse_expression
from .words import Spoken, plain, split_words

_Kind = Literal["expression", "duration", "number"]

_EDITING = (
    ("no",),
    ("wait",),
    ("sorry",),
    ("actually",),
    ("rather",),
    ("or", "rather"),
    ("i", "mean"),
    ("i", "meant"),
    ("make", "it"),
    ("make", "that"),
    ("scratch", "that"),
    ("hold", "on"),
    ("correction",),
    ("oh",),
)
"""Words that take something back; several may follow each other ("oh no sorry I meant")."""
_NOT_ALONE = frozenset(["oh"])
_EDITING_FILLERS = frozenset(["actually"])

_PARSERS: Mapping[_Kind, Callable[[Sequence[str]], float | str | None]] = {
    "expression": parse_expression,
    "duration": parse_duration,
    "number": parse_number,
}
_TAKEN_BACK: Mapping[_Kind, Sequence[_Kind]] = {
    "expression": ("expression", "number"),
    "duration": ("duration", "number"),
    "number": ("duration", "number"),
}
"""What a value of each kind may stand in the place of, right before the words that take it back."""
_LONGEST_VALUE = 12
_LONGEST_RETRACING = 8
"""Words said again in front of the new value: "for five, no, for ten minutes"."""
_MOST_REPAIRS = 4


@dataclass(frozen=True, slots=True)
class _Value:
    kind: _Kind
    start: int
    end: int


def meant_words(text: str) -> list[Spoken]:
    """As `split_words`, with corrections carried out."""
    return without_editing(corrected(heard_words(text)))


def heard_words(text: str) -> list[Spoken]:
    """As `split_words`, with fillers that may take something back."""
    return split_words(text, kept=_EDITING_FILLERS)


def without_editing(words: Sequence[Spoken]) -> list[Spoken]:
    """Without those fillers."""
    return [spoken for spoken in words if spoken.word not in _EDITING_FILLERS]


def editing_end(said: Sequence[str], start: int) -> int:
    """Where the words that take something back end, which begin at `start`; `start` if none do."""
    end = start
    while length := _editing_length(said, end):
        end += length
    return start if _NOT_ALONE.issuperset(said[start:end]) else end


def corrected(words: Sequence[Spoken]) -> list[Spoken]:
    """The words as they were meant; those of `words` themselves where nothing was corrected."""
    found = list(words)
    for _ in range(_MOST_REPAIRS):
        repaired = _first_repair(found)
        if repaired is None:
            break
        found = repaired
    return found


def _first_repair(words: list[Spoken]) -> list[Spoken] | None:
    said = plain(words)
    position = 1
    while position < len(said) - 1:
        end = editing_end(said, position)
        if position < end < len(said):
            repaired = _adjacent(words, said, position, end) or _distant(words, said, position, end)
            if repaired is not None:
                return repaired
        position = max(end, position + 1)
    return None


def _adjacent(words: list[Spoken], said: list[str], before: int, after: int) -> list[Spoken] | None:
    """The value taken back ends at `before`; after `after` follows the new one, and in front of it
    perhaps what was in front of the old one."""
    for length in range(_LONGEST_RETRACING + 1):
        start = after + length
        if start >= len(said) or (length and said[after] not in said[:before]):
            return None
        new = _value_from(said, start)
        old = _value_until(said, before, _TAKEN_BACK[new.kind]) if new else None
        if new is None or old is None or old.start < length:
            continue
        if said[old.start - length : old.start] == said[after:start]:
            return _in_place(words, said, old, new)
    return None


def _in_place(
    words: list[Spoken], said: list[str], old: _Value, new: _Value
) -> list[Spoken] | None:
    """A number in the place of a duration takes its unit: "five minutes, no, ten"."""
    if (old.kind, new.kind) != ("duration", "number"):
        return [*words[: old.start], *words[new.start :]]
    start = _last_count(said, old)
    if start is None:
        return None
    count, unit = words[new.start : new.end], words[old.end - 1]
    return [*words[:start], *count, unit, *words[new.end :]]


def _distant(words: list[Spoken], said: list[str], before: int, after: int) -> list[Spoken] | None:
    """Words between the old value and those that take it back: "a five minute timer, no, ten minutes"."""
    new = _value_from(said, after)
    if new is None or new.kind == "number":
        return None
    for end in range(before - 1, 0, -1):
        old = _value_until(said, end, (new.kind,))
        if old is not None:
            value, rest = words[new.start : new.end], words[new.end :]
            return [*words[: old.start], *value, *words[old.end : before], *rest]
    return None


def _value_from(said: Sequence[str], start: int) -> _Value | None:
    """The longest value that begins at `start`."""
    best: _Value | None = None
    for kind, parse in _PARSERS.items():
        for end in range(min(len(said), start + _LONGEST_VALUE), start, -1):
            if said[end - 1] == "and" or parse(said[start:end]) is None:
                continue
            if best is None or end > best.end:
                best = _Value(kind, start, end)
            break
    return best


def _value_until(said: Sequence[str], end: int, kinds: Sequence[_Kind]) -> _Value | None:
    """The longest value of the first of `kinds` that there is, ending at `end`."""
    for kind in kinds:
        for start in range(max(0, end - _LONGEST_VALUE), end):
            if _PARSERS[kind](said[start:end]) is not None:
                return _Value(kind, start, end)
    return None


def _last_count(said: Sequence[str], duration: _Value) -> int | None:
    """Where the last of a duration's counts begins: "an hour and [five minutes]"."""
    for start in range(duration.start, duration.end):
        part = said[start : duration.end]
        if is_unit(part[-1]) and sum(map(is_unit, part)) == 1 and parse_duration(part) is not None:
            return start
    return None


def _editing_length(said: Sequence[str], start: int) -> int:
    lengths = [len(term) for term in _EDITING if tuple(said[start : start + len(term)]) == term]
    return max(lengths, default=0)
