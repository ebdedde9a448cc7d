"""Abbreviations, acronyms and symbols in words."""

from __future__ import annotations

import re

from livekit.plugins.speechcore.text.abbreviations import (
    BEFORE_NUMBERS,
    CLOSERS,
    PHRASES,
    STARTERS,
    TITLES,
)

from .rules import STOP, Rule, rule, spelled

_SPELLED = frozenset(
    """
    AI API APIs AWS ATM ATMs CEO CIA CPU CPUs DIY DNA EU EUR FAQ FAQs GPU GPUs IBM ID IDs IO IP IOU
    IQ IT ISO ISP IRS LA LED LEDs MIT MRI NHL OS PO QA RIP SEO SUV UAE UI UK UN URL URLs US USA USB
    UX VAT VIP VIPs AA AC AD BCE CE EV EVs ETA EOD IPO OCR AED AUD CAD GUI IDE UPS NBA UFO UFOs
    ABC AKA BYOB CFO CLI CTO DEA DOB DUI EPA EST ETF ETFs FBI FYI GPA HIV IMF IPA IPv IRA IV IVF
    LAN MBA MIA NYU PA PTA ROI TBA TIA UCLA UDP UHD USPS USSR UV VAD VPN WAN
    """.split()
)
"""Acronyms that have vowels and are spelled all the same."""

_SAID = frozenset("NASDAQ OK JPEG SQL HMM SHH PSST".split())
_LETTERED = frozenset(
    "class exhibit grade group hepatitis option part plan section step team type vitamin".split()
)
_VOWELS = frozenset("AEIOUY")


def _expand(names: dict[str, str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


def _like(word: str, written: str) -> str:
    """`word` with a capital letter where what was written had one."""
    return word[0].upper() + word[1:] if written[0].isupper() else word


def _title(match: re.Match[str]) -> str:
    return _like(TITLES[match[1].lower()], match[1])


def _phrase(match: re.Match[str]) -> str:
    comma = "," if match[2] else ""
    return _like(PHRASES[match[1].lower()], match[1]) + comma


def _street(match: re.Match[str]) -> str:
    return match[1] + _STREETS[match[2]]


def _closer(match: re.Match[str]) -> str:
    return _like(CLOSERS[match[1].lower()], match[1])


def _before_number(match: re.Match[str]) -> str:
    return _like(BEFORE_NUMBERS[match[1].lower()], match[1])


def _spelled(match: re.Match[str]) -> str:
    letters = match[0].replace(".", "")
    is_plural = len(letters) > 2 and letters.endswith("s")
    return spelled(letters.removesuffix("s")) + ("'s" if is_plural else "")


def _initial(match: re.Match[str]) -> str:
    """“J” of “J. Smith”, but not the “C.” of “Take vitamin C. Oranges have it.”"""
    before = (match.string[: match.start()].split() or ["."])[-1]
    begins = before[-1] in ".!?"
    is_name = before[0].isupper() and before.lower() not in _LETTERED
    return match[1] if begins or is_name else match[0]


def _acronym(match: re.Match[str]) -> str:
    word = match[0]
    capitals = word.removesuffix("s")
    is_said = capitals in _SAID or (word not in _SPELLED and _VOWELS & set(capitals))
    return word if is_said else _spelled(match)


_STREETS = {"St": "Street", "Dr": "Drive"}
"""Elsewhere “Saint” and “Doctor”."""

ABBREVIATIONS: tuple[Rule, ...] = (
    rule(r"(\b\d+\s(?:[A-Z]\w+\s)+)(St|Dr)\.(?=\s+[A-Z])", lambda m: f"{_street(m)}."),
    rule(rf"([a-z]\s)(St|Dr)(?=\.(?:\s*$|[,;]|\s+[a-z])){STOP}", lambda m: _street(m)),
    rule(rf"\b(?i:({_expand(TITLES)}))\.(?=\s+[A-Z])", _title),
    rule(rf"\b({_expand(PHRASES)})\.(,?)(?=\s|$)", _phrase, flags=re.IGNORECASE),
    rule(r"\bvs\b", "versus"),
    rule(r"\bSt\.(?=\s+[A-Z])", "Saint"),
    rule(rf"\b({_expand(BEFORE_NUMBERS)})\.(?=\s*\d)", _before_number, flags=re.IGNORECASE),
    rule(rf"\b({_expand(CLOSERS)})(?=\.){STOP}", _closer, flags=re.IGNORECASE),
    rule(r"\bw/o\b", "without"),
    rule(r"\bw/(?=\s?\w)", "with "),
    rule(rf"\b[A-Za-z](?:\.[A-Za-z])+(?=\.(?![A-Za-z])){STOP}", _spelled),
    rule(rf"(?<![\w.])([A-HJ-Z])\.(?=\s+[A-Z])(?!\s+(?:{STARTERS})\b(?!\.))", _initial),
)
"""Before numbers are read: “No. 5” is still to be seen."""

ACRONYMS: tuple[Rule, ...] = (
    rule(r"\bC\+\+", "C plus plus"),
    rule(r"\b([CF])#", r"\1 sharp"),
    rule(r"\b[A-Z]{2,5}s?\b", _acronym),
)

_PRICES = "dollars?|cents?|euros?|pounds?|pence|yen|rupees?|francs?|times"

SYMBOLS: tuple[Rule, ...] = (
    rule(r"#(?=\d)", "number "),
    rule(r"#(?=\w)", "hashtag "),
    rule(r"(?<=\w)@(?=\w)|(?<=\s)@(?=\s)", " at "),
    rule(r"\s*&\s*", " and "),
    rule(r"\band/or\b", "and or"),
    rule(r"\s*(?:->|=>|→|⇒)\s*", " to "),
    rule(r"\s*(?:<=|≤)\s*", " is at most "),
    rule(r"\s*(?:>=|≥)\s*", " is at least "),
    rule(r"\s*(?:!=|≠)\s*", " is not equal to "),
    rule(r"(?<=\d)\s[-−–]\s(?=\d+\s*=)", " minus "),
    rule(r"\s*={1,2}\s*", " equals "),
    rule(r"(?<=[\w)])\s*\+\s*(?=[\w(])", " plus "),
    rule(r"(?<=\d)\s?\+(?!\w)", " plus"),
    rule(r"(?<=\d)\s*[×*x]\s*(?=\d)", " times "),
    rule(r"×", " times "),
    rule(r"\s*÷\s*", " divided by "),
    rule(r"±\s*", " plus or minus "),
    rule(r"(?:≈\s*|~\s?(?=\d))", " about "),
    rule(r"(?<=\w)(?:²|\^2\b)", " squared"),
    rule(r"(?<=\w)(?:³|\^3\b)", " cubed"),
    rule(r"(?<=\d)\^(?=\d)", " to the power of "),
    rule(r"\s<\s", " is less than "),
    rule(r"\s>\s", " is greater than "),
    rule(r"°", " degrees "),
    rule(r"%", " percent "),
    rule(rf"\b({_PRICES})/(?=[a-z])", r"\1 per "),
    rule(r"(?<=[A-Za-z])/(?=[A-Za-z])", " or "),
    rule(r"[©®™†‡§¶^\\{}_<>*•~|]", " "),
)
"""Before numbers are read: “2 × 3” and “x²” are known by their digits."""

PUNCTUATION: tuple[Rule, ...] = (
    rule(r"\s+[-–—]{1,3}\s+|\s*—\s*", ", "),
    rule(r"(?<=\w)–(?=\w)", "-"),
    rule(r"\s+([,.;:!?])(?!\w)", r"\1"),
    rule(r"([,;:]),", r"\1"),
    rule(r"^[\s,.;:!?…-]+(?=\w)", ""),
    rule(r"\s+", " "),
)
