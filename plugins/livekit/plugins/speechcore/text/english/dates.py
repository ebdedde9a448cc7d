"""Dates, times of day and years."""

from __future__ import annotations

import re

from .number_words import cardinal, ordinal, plural, year
from .rules import START, Rule, rule

MONTHS = (
    "January February March April May June July August September October November December".split()
)
_SHORT_MONTHS = {name[:3]: name for name in MONTHS} | {"Sept": "September"}
_DAYS = {
    name[:3]: name
    for name in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
} | {"Tues": "Tuesday", "Thur": "Thursday", "Thurs": "Thursday"}

_MONTH = rf"(?P<month>{'|'.join([*MONTHS, 'Sept', *(name[:3] for name in MONTHS)])})\b\.?"
_DAY = r"(?P<day>[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?:1[1-9]|20|21)\d\d"
_DAY_NAME = rf"\b(?P<name>{'|'.join(_DAYS)})\b\.?"
_BEFORE_YEAR = (
    "in|since|by|of|until|till|from|to|year|around|circa|before|after|during|early|late|mid"
    "|spring|summer|autumn|fall|winter|and|copyright"
)
_COUNTED = (
    "more|other|people|users|times|words|points|steps|items|pages|copies|characters|calories|miles"
    "|dollars|euros|pounds|cents|yen|hours|days|years"
)
"""“2000 people” are two thousand."""


def _month(match: re.Match[str]) -> str:
    return _SHORT_MONTHS[match["month"][:3]]


def _with_year(day: str, match: re.Match[str]) -> str:
    found = match["year"]
    return f"{day}, {year(int(found))}" if found else day


def _month_first(match: re.Match[str]) -> str:
    day = f"{_month(match)} {ordinal(int(match['day']))}"
    if match["last"]:
        day += f" to {ordinal(int(match['last']))}"
    return _with_year(day, match)


def _day_first(match: re.Match[str]) -> str:
    article = "" if match["the"] else "the "
    day = f"{match['the'] or ''}{article}{ordinal(int(match['day']))} of {_month(match)}"
    return _with_year(day, match)


def _numeric(match: re.Match[str]) -> str:
    """Month first, as in America, unless that is impossible."""
    first, second = int(match["first"]), int(match["second"])
    month, day = (first, second) if first <= 12 else (second, first)
    return _full_date(match[0], int(match["year"]), month, day)


def _iso(match: re.Match[str]) -> str:
    return _full_date(match[0], int(match["year"]), int(match["month"]), int(match["day"]))


def _full_date(written: str, number: int, month: int, day: int) -> str:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return written
    return f"{MONTHS[month - 1]} {ordinal(day)}, {year(number)}"


def _time(match: re.Match[str]) -> str:
    hour, minute = int(match["hour"]), int(match["minute"])
    half = f" {match['half'].upper()}.M" if match["half"] else ""
    if minute == 0:
        full = "" if half else (" o'clock" if 1 <= hour <= 12 else " hundred")
        return f"{cardinal(hour)}{full}{half}"
    spoken = f"{cardinal(hour)} {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    seconds = f" and {cardinal(int(match['second']))} seconds" if match["second"] else ""
    return f"{spoken}{half}{seconds}"


def _hour(match: re.Match[str]) -> str:
    first = f"{cardinal(int(match['first']))} to " if match["first"] else ""
    return f"{first}{cardinal(int(match['hour']))} {match['half'].upper()}.M"


def _decades(match: re.Match[str]) -> str:
    """“nineteen eighties”, “two thousands”, “nineties”."""
    rest = int(match["rest"])
    if not match["century"]:
        return plural(cardinal(rest)) if rest else match[0]
    if rest == 0:
        return (
            "two thousands"
            if match["century"] == "20"
            else f"{cardinal(int(match['century']))} hundreds"
        )
    return f"{cardinal(int(match['century']))} {plural(cardinal(rest))}"


def _years(match: re.Match[str]) -> str:
    last = match["last"]
    spoken = cardinal(int(last)) if len(last) == 2 else year(int(last))
    return f"{year(int(match['first']))} to {spoken}"


_HALF = r"\s?(?P<half>[aApP])\.?[mM]\b"

NUMERIC: tuple[Rule, ...] = (
    rule(r"(?i:(?<=:\d\d)|(?<=\d[ap]m)|(?<=\d [ap]m)|(?<=[ap]\.m\.))\s?[-–]\s?(?=\d)", " to "),
    rule(
        rf"{START}(?P<year>{_YEAR})-(?P<month>\d\d)-(?P<day>\d\d)(?:T(?=\d\d:)|\b)",
        lambda match: _iso(match) + (" at " if match[0].endswith("T") else ""),
    ),
    rule(rf"{START}(?P<first>\d\d?)([/.])(?P<second>\d\d?)\2(?P<year>{_YEAR})\b", _numeric),
    rule(
        r"(?:\b(?P<century>1[1-9]|20)|['’]|(?<=[Tt]he )|(?<=(?:mid|his|her) ))(?P<rest>\d0)['’]?s\b",
        _decades,
    ),
)
"""Before telephone numbers and measures, which look alike."""

RULES: tuple[Rule, ...] = (
    rule(
        rf"\b{_MONTH}\s+{_DAY}(?:\s?[-–]\s?(?P<last>[12]\d|3[01]|[1-9])(?:st|nd|rd|th)?)?"
        rf"(?![\d:%]|[.,]\d)(?:,?\s+(?P<year>{_YEAR})\b)?",
        _month_first,
    ),
    rule(
        rf"{START}(?P<the>[Tt]he\s+)?{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+(?P<year>{_YEAR})\b)?",
        _day_first,
    ),
    rule(
        rf"\b(?P<month>Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?(?=\s+{_YEAR}\b)",
        _month,
    ),
    rule(
        rf"{_DAY_NAME}\s?[-–]\s?(?P<last>{'|'.join(_DAYS)})\b\.?",
        lambda match: f"{_DAYS[match['name']]} to {_DAYS[match['last']]}",
    ),
    rule(rf"{_DAY_NAME}(?=,?\s+(?:{'|'.join(MONTHS)}))", lambda match: _DAYS[match["name"]]),
    rule(
        rf"{START}(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?"
        rf"(?:{_HALF}|(?P<none>)(?!\w))",
        _time,
    ),
    rule(rf"{START}(?:(?P<first>1[0-2]|[1-9])\s?[-–]\s?)?(?P<hour>1[0-2]|0?[1-9]){_HALF}", _hour),
    rule(rf"{START}(?P<first>{_YEAR})\s?[-–]\s?(?P<last>{_YEAR}|\d\d)\b(?![.,]\d)", _years),
    rule(
        rf"\b(?P<before>(?:{_BEFORE_YEAR}|{'|'.join(MONTHS)}),?\s+)(?P<year>{_YEAR})\b(?![.,:]\d|%)",
        lambda match: match["before"] + year(int(match["year"])),
        flags=re.IGNORECASE,
    ),
    rule(
        rf"{START}(?P<year>19\d\d|20\d\d)\b(?![.,:]\d|\s?[%°]|\s(?:{_COUNTED})\b)",
        lambda match: year(int(match["year"])),
    ),
    rule(
        r"\b(?P<century>\d{1,2})(?:st|nd|rd|th)[ -]century\b",
        lambda match: f"{ordinal(int(match['century']))} century",
    ),
)
