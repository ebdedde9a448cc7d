"""Is something being dictated, and how much of it is still to come?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agent.turns.words.asked import Asked
from agent.turns.words.dates import date_log_odds
from agent.turns.words.digits import Run, is_letter, is_number, trailing_run
from agent.turns.words.lexicon import FILLERS

Kind = Literal["number", "email", "spelling", "address", "date"]


@dataclass(frozen=True, kw_only=True)
class Dictation:
    kind: Kind
    log_odds: float
    """That the turn ends here, from what was dictated alone; an end and a pause being equally likely before."""
    replaces_grammar: bool = True
    """What is dictated has no grammar; a date has."""


_CUES = (
    (Asked.EMAIL, r"\be ?mail( address)?( is|'s| it's)\b|\be ?mail( me)? at\b|\bwrite to me at\b|\bsend (it|that|this) to(?= \w+ (at|dot)\b)"),
    (Asked.SPELLING, r"\b(spelled|spelt|spell it|spelling is)\b"),
    (Asked.CARD, r"\bcard number('s| is)?\b"),
    (Asked.SHORT_CODE, r"\b(zip( code)?|postcode|post code|code|pin)('s| is| it's)\b|\bextension\b"),
    (Asked.PHONE, r"\b(my|phone|mobile|cell|telephone|the) number('s| is)\b|\b(call|reach|ring|text|phone) me (on|at)\b|\bmobile is\b"),
    (Asked.NUMBER, r"\b\w+ number('s| is)\b|\b\w+ (number|code)(?= \w)|\breference( code)?('s| is)\b|\blicen[cs]e plate\b"),
    (Asked.BIRTH_DATE, r"\b(birthday|date of birth)('s| is)\b|\bborn (on|in)\b"),
    (Asked.ADDRESS, r"\baddress('s| is)\b|\bi live (at|on)\b|\bi'm at(?= (\w+ )?(hundred|\w+ty|\w+teen)\b)"),
)  # fmt: skip
_COMPILED = tuple((asked, re.compile(pattern)) for asked, pattern in _CUES)
_LEAD_INS = frozenset(
    "it's it is yes yeah sure okay well so my number name email address the that's that and i think of course certainly "
    "ok hi hello last first surname order phone card account its is one please for you course no".split()
) - {"one"}
_TOP_DOMAINS = frozenset(
    "com net org uk de fr eu io us edu gov info biz ca au ie nl es it ch at in nz jp me app dev ai".split()
)
_TALK = frozenset("it's i'd not don't have no can was".split())
"""Words of a caller who is not dictating an address."""
_PROVIDERS = frozenset("gmail yahoo hotmail outlook icloud proton aol".split())
_SECOND_LEVEL = {"co": -0.8, "com": 1.6, "org": 1.6, "ac": -0.8}
_STREET_TYPES = frozenset(
    "street road avenue lane drive boulevard court place square way crescent close terrace highway st ave rd blvd".split()
)
_UNITS_OF_HOUSES = frozenset("apartment flat suite unit room floor number block".split())
_PHONE = {7: 0.0, 8: -1.6, 9: -1.6, 10: 1.6, 11: 2.6}
_PHONE_WITH_ZERO = {10: -0.4, 11: 2.8, 12: 2.5}
_CARD = {15: 0.2, 16: 3.0}
_CODE = {3: -0.8, 4: 0.9, 5: 1.2, 6: 1.6}
_UNCUED = {3: -1.4, 4: -0.3, 5: -0.6, 6: 0.2, 7: 0.3, 8: 0.0, 9: -0.6, 10: 1.4, 11: 1.8, 16: 2.5}
_SHORTEST_WITH_ZERO = 10
_REFERENCE = {4: -0.6, 5: -0.2, 6: 0.6, 7: 0.7, 8: 1.0, 9: 1.0, 10: 1.2}
_SPELLED = (-3.5, -3.0, -2.6, -1.6, -0.9, -0.2, 0.3, 0.7)
_NUMBER_KINDS = frozenset({Asked.PHONE, Asked.CARD, Asked.NUMBER, Asked.SHORT_CODE})


def dictation(tokens: Sequence[str], asked: Asked) -> Dictation | None:
    """None when nothing is being dictated."""
    if not tokens:
        return None
    cued, content = _cued(tokens)
    kind = cued or asked
    if cued is None:
        content = _without_lead_in(tokens)
    run = trailing_run(content)
    if kind is Asked.EMAIL or _looks_like_email(content):
        return _email(content, is_cued=cued is Asked.EMAIL)
    if kind in _NUMBER_KINDS:
        return _number(kind, run, content, is_cued=cued is not None)
    if kind is Asked.SPELLING or (kind is Asked.NAME and run.letters):
        return _spelling(run, content, tokens, is_cued=cued is not None)
    if kind is Asked.ADDRESS:
        return _address(content, is_cued=cued is not None)
    return _date(content, kind) or _uncued(run, tokens)


def _cued(tokens: Sequence[str]) -> tuple[Asked | None, Sequence[str]]:
    """What the caller announced last (`my number is`), and the words after it."""
    text = " ".join(tokens)
    best: tuple[int, Asked | None] = (-1, None)
    for asked, pattern in _COMPILED:
        for match in pattern.finditer(text):
            if match.end() > best[0]:
                best = (match.end(), asked)
    if best[1] is None:
        return None, tokens
    return best[1], _without_lead_in(text[best[0] :].split())


def _without_lead_in(tokens: Sequence[str]) -> Sequence[str]:
    start = 0
    while start < len(tokens) and (tokens[start] in _LEAD_INS or tokens[start] in FILLERS):
        start += 1
    return tokens[start:]


def _number(kind: Asked, run: Run, content: Sequence[str], *, is_cued: bool) -> Dictation | None:
    if not content:
        return Dictation(kind="number", log_odds=-4.0)
    if run.characters == 0 or run.words < len(content) - 2:
        return None
    if (
        not is_cued
        and run.characters < 2
        and kind is not Asked.SHORT_CODE
        and run.letters in {"a", "i"}
    ):
        return None
    return Dictation(kind="number", log_odds=-3.5 if run.awaits_more else _completeness(kind, run))


def _completeness(kind: Asked, run: Run) -> float:
    count = run.characters
    if kind is Asked.CARD:
        return _CARD.get(count, -3.5 if count < 15 else 2.0)
    if kind is Asked.PHONE:
        table = _PHONE_WITH_ZERO if run.leads_with_zero else _PHONE
        return table.get(count, -3.5 if count < 7 else (2.0 if count > 11 else -2.0))
    if kind is Asked.SHORT_CODE:
        return _CODE.get(count, -3.0 if count < 4 else 1.6)
    return _REFERENCE.get(count, -2.8 if count < 4 else 1.4)


def _looks_like_email(content: Sequence[str]) -> bool:
    recent = content[-6:]
    if any("@" in word for word in recent) or "underscore" in recent:
        return True
    return "dot" in recent[1:] or ("at" in recent[:-1] and recent[-1] in _PROVIDERS)


def _email(content: Sequence[str], *, is_cued: bool) -> Dictation | None:
    if not content:
        return Dictation(kind="email", log_odds=-4.0) if is_cued else None
    domains = [index for index in range(len(content)) if _ends_domain(content, index)]
    if domains and domains[-1] == len(content) - 1:
        return Dictation(kind="email", log_odds=_SECOND_LEVEL.get(content[-1], 2.8))
    is_address = len(content) <= 3 or any(
        word in {"at", "dot", "underscore"} or "@" in word or is_letter(word) for word in content
    )
    if domains or not is_address or _TALK & set(content):
        return None
    is_strange_domain = "at" in content and content[-2] == "dot" and not is_letter(content[-1])
    return Dictation(kind="email", log_odds=-0.7 if is_strange_domain else -3.5)


def _ends_domain(content: Sequence[str], index: int) -> bool:
    """`dot com`, or a word like `gmail.com`."""
    word = content[index]
    if "." in word:
        return word.rsplit(".", 1)[-1] in _TOP_DOMAINS
    return index > 0 and content[index - 1] == "dot" and word in _TOP_DOMAINS | _SECOND_LEVEL.keys()


def _spelling(
    run: Run, content: Sequence[str], tokens: Sequence[str], *, is_cued: bool
) -> Dictation | None:
    if not content:
        return Dictation(kind="spelling", log_odds=-4.0) if is_cued else None
    if not run.letters or run.words < len(content) - 4:
        return None
    if run.awaits_more:
        return Dictation(kind="spelling", log_odds=-3.5)
    return Dictation(kind="spelling", log_odds=_spelled(run, tokens[: len(tokens) - run.words]))


def _spelled(run: Run, before: Sequence[str]) -> float:
    """A name said just before tells how long its spelling is."""
    for word in before[-5:]:
        if len(word) > 2 and word == run.letters:
            return 3.0
        if len(word) > 3 and len(run.letters) > 1 and word.startswith(run.letters):
            return -3.5
    return _SPELLED[min(run.characters, len(_SPELLED) - 1)]


def _address(content: Sequence[str], *, is_cued: bool) -> Dictation | None:
    if not content:
        return Dictation(kind="address", log_odds=-4.0) if is_cued else None
    last = content[-1]
    street = next((i for i, word in enumerate(content) if word in _STREET_TYPES and i > 0), None)
    if last in _UNITS_OF_HOUSES:
        return Dictation(kind="address", log_odds=-3.0)
    if street is None:
        if not any(is_number(word) for word in content):
            return None
        return Dictation(kind="address", log_odds=-3.2 if is_number(last) else -1.8)
    after = len(content) - 1 - street
    if last in {"and", "in", "of", "the"} or last in FILLERS:
        return Dictation(kind="address", log_odds=-3.5)
    return Dictation(kind="address", log_odds=(0.3, 1.0, 1.2)[min(after, 2)])


def _date(content: Sequence[str], kind: Asked) -> Dictation | None:
    is_wanted = kind in {Asked.DATE, Asked.BIRTH_DATE}
    if not content:
        return Dictation(kind="date", log_odds=-3.0) if kind is Asked.BIRTH_DATE else None
    log_odds = date_log_odds(content, with_year=kind is Asked.BIRTH_DATE, is_wanted=is_wanted)
    if log_odds is None:
        return None
    return Dictation(kind="date", log_odds=log_odds, replaces_grammar=False)


def _uncued(run: Run, tokens: Sequence[str]) -> Dictation | None:
    """Three characters in a row are being dictated, whatever for."""
    if run.characters < 3 or not run.spoken_singly or run.words < 3:
        return None
    if run.letters and not run.digits:
        return Dictation(kind="spelling", log_odds=_spelled(run, tokens[: len(tokens) - run.words]))
    if run.awaits_more:
        return Dictation(kind="number", log_odds=-3.5)
    if run.leads_with_zero and run.characters < _SHORTEST_WITH_ZERO:
        return Dictation(kind="number", log_odds=-1.5)
    return Dictation(kind="number", log_odds=_UNCUED.get(run.characters, -0.8))
