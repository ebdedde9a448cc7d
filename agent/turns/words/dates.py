"""How much of a date or a time of day is still to come."""

from __future__ import annotations

from collections.abc import Sequence

from agent.turns.words.digits import is_number
from agent.turns.words.lexicon import MONTHS, ORDINALS, WEEKDAYS

_CENTURIES = frozenset({"nineteen", "twenty", "eighteen"})
_MONTHS_ONLY = MONTHS - {"may", "march"}
_CLOCK_OPENERS = frozenset({"past", "to"})
_DAY_PARTS = frozenset("morning afternoon evening night noon midnight am pm o'clock".split())


def date_log_odds(content: Sequence[str], *, with_year: bool, is_wanted: bool) -> float | None:
    """Log odds that a date said so far is whole; None when the words do not end in one."""
    last, before = content[-1], content[-2] if len(content) > 1 else ""
    if last in _CLOCK_OPENERS and before in {"half", "quarter", "five", "ten", "twenty"}:
        return -3.0
    if is_wanted and last in {"half", "quarter"}:
        return -2.5
    if before == "past" and is_number(last):
        return 2.0
    month = _month_at(content)
    if month is None:
        return _without_month(last, before, is_wanted=is_wanted)
    after = content[month + 1 :]
    has_day_before = month > 0 and _is_day(
        content[month - 1] if content[month - 1] != "of" else content[month - 2]
    )
    return _around_month(after, has_day_before=has_day_before, with_year=with_year)


def _without_month(last: str, before: str, *, is_wanted: bool) -> float | None:
    if not is_wanted:
        return None
    if last in ORDINALS:
        return -0.9
    if last in WEEKDAYS:
        return 0.6
    if last in _DAY_PARTS:
        return 1.2
    return 0.8 if is_number(last) and before == "to" else None


def _around_month(after: Sequence[str], *, has_day_before: bool, with_year: bool) -> float | None:
    """`after`: the words behind the month."""
    if len(after) > 4:
        return None
    ordinals = [index for index, word in enumerate(after) if word in ORDINALS]
    year = [word for word in after[ordinals[-1] + 1 if ordinals else 0 :] if is_number(word)]
    is_only_date = all(
        is_number(word) or word in ORDINALS or word in {"the", "and", "of"} for word in after
    )
    if not is_only_date:
        return None
    has_day = has_day_before or bool(ordinals)
    if year and has_day:
        return -2.5 if after[-1] in _CENTURIES and len(year) == 1 else 2.0
    if after and after[-1] in {"the", "and", "of"}:
        return -3.5
    if year:
        return 0.0
    if has_day:
        return -1.6 if with_year else 0.5
    return -1.8 if with_year else 0.2


def _month_at(content: Sequence[str]) -> int | None:
    for index in range(len(content) - 1, -1, -1):
        word = content[index]
        if word in _MONTHS_ONLY or (word in MONTHS and _is_surely_month(content, index)):
            return index
    return None


def _is_surely_month(content: Sequence[str], index: int) -> bool:
    """`march` and `may` are months next to a day."""
    before = content[index - 1] if index else ""
    after = content[index + 1] if index + 1 < len(content) else ""
    return before in {"of", "in"} or any(
        _is_day(word) or is_number(word) for word in (before, after)
    )


def _is_day(word: str) -> bool:
    return word in ORDINALS or (word[:1].isdigit() and word[-2:] in {"st", "nd", "rd", "th"})
