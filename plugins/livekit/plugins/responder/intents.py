"""Which skills a text asks for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .corrections import corrected, editing_end, heard_words, meant_words, without_editing
from .patterns import CAREFUL, QUESTION, RELAXED, Fit, Heard, SlotValue, Strictness
from .skills import Skill
from .words import MAX_WORDS, Spoken, plain, split_clauses

_JOINS = frozenset(["and", "then", "also"])
_ADDS = frozenset(["also", "another"])
"""A request with one of these comes on top of the one before."""
_MOST_RESTARTS = 3


@dataclass(frozen=True, slots=True)
class Match:
    """A skill that was asked for."""

    skill: Skill
    fit: Fit

    @property
    def slots(self) -> Mapping[str, SlotValue]:
        return self.fit.slots


@dataclass(frozen=True, slots=True)
class Correction:
    """Of what was asked for before."""

    old: Match | None
    """What is not wanted any more; None if nothing of the kind was understood."""
    matches: list[Match]
    """What is asked for instead, and what else."""


@dataclass(frozen=True, slots=True)
class _Clause:
    words: list[Spoken]
    """With corrections inside carried out."""
    corrects: bool
    """It begins with words that take back the clause before."""

    @property
    def meant(self) -> list[Spoken]:
        return without_editing(self.words)


def find_matches(text: str, skills: Sequence[Skill]) -> list[Match]:
    """What `text` asks for in the order it asks; empty if it is not understood.

    Sentences are understood one by one; one without punctuation may hold two requests joined
    by "and". Skills of last resort are tried when no other fits.
    """
    usual = [skill for skill in skills if not skill.is_last_resort]
    clauses = _clauses(text)
    each = [_match_clause(clause.meant, usual) for clause in clauses]
    if len(clauses) > 1 and not all(each):
        whole = best_match(meant_words(text), usual)
        if whole is not None:
            return [whole]
    if found := _joined(clauses, each):
        return _without_repeats(found)
    last_resorts = [skill for skill in skills if skill.is_last_resort]
    fallback = best_match(meant_words(text), last_resorts)
    return [fallback] if fallback else []


def find_correction(text: str, before: str, skills: Sequence[Skill]) -> Correction | None:
    """What `text` corrects of what the same caller said `before`; None if nothing.

    It begins with words that take something back, and gives another value ("no, ten minutes"), or asks
    for the same skill anew.
    """
    usual = [skill for skill in skills if not skill.is_last_resort]
    clauses, earlier = _clauses(text), _clauses(before)
    if not clauses or not earlier or not clauses[0].corrects:
        return None
    if not _ADDS.isdisjoint(plain(clauses[0].words)):
        return None
    asked = _match_clause(earlier[-1].meant, usual)
    repaired = _repaired(earlier[-1], clauses[0])
    first = clauses[0].meant if repaired is None else without_editing(repaired)
    matches = _match_clause(first, usual)
    matches = [match for match in matches if not _is_among(match, asked)] or matches
    is_same = bool(asked and matches) and matches[0].skill is asked[-1].skill
    if not matches or not (is_same or repaired):
        return None
    rest = [match for clause in clauses[1:] for match in _match_clause(clause.meant, usual)]
    old = asked[-1] if is_same else None
    return Correction(old, _without_repeats([*matches, *rest]))


def best_match(words: Sequence[Spoken], skills: Sequence[Skill]) -> Match | None:
    """The one skill that fits `words` best and well enough."""
    if not words:
        return None
    heard = Heard(words)
    best: Match | None = None
    for skill in skills:
        strictness = _strictness(skill)
        for pattern in skill.patterns:
            fit = pattern.fit(heard, strictness)
            if fit is None:
                continue
            if best is None or (fit.score, fit.weight) > (best.fit.score, best.fit.weight):
                best = Match(skill, fit)
    return best


def _strictness(skill: Skill) -> Strictness:
    if skill.is_careful:
        return CAREFUL
    return QUESTION if skill.is_last_resort else RELAXED


def _clauses(text: str) -> list[_Clause]:
    """The words of each sentence, MAX_WORDS in all. One that only gives another value for the one
    before is carried out there."""
    clauses: list[_Clause] = []
    taking_back: list[Spoken] = []
    left = MAX_WORDS
    for clause in split_clauses(text):
        if not left:
            break
        words = [*taking_back, *heard_words(clause)[:left]]
        left -= len(words) - len(taking_back)
        corrects = editing_end(plain(words), 0)
        taking_back = words if corrects == len(words) else []
        if not words or taking_back:
            continue
        meant = _Clause(corrected(words), corrects > 0)
        if clauses and (repaired := _repaired(clauses[-1], meant)):
            clauses[-1] = _Clause(repaired, clauses[-1].corrects)
        else:
            clauses.append(meant)
    return clauses


def _repaired(before: _Clause, clause: _Clause) -> list[Spoken] | None:
    """The words of `before` with another value from `clause`, if that gives one."""
    if not clause.corrects:
        return None
    both = [*before.words, *clause.words]
    meant = corrected(both)
    return meant if len(meant) < len(both) else None


def _joined(clauses: Sequence[_Clause], each: Sequence[list[Match]]) -> list[Match]:
    """A clause that asks for the same skill as the one before, and takes that back, counts alone."""
    found: list[Match] = []
    for clause, matches in zip(clauses, each, strict=True):
        if clause.corrects and found and matches and matches[0].skill is found[-1].skill:
            found.pop()
        found += matches
    return found


def _match_clause(words: list[Spoken], skills: Sequence[Skill]) -> list[Match]:
    whole = best_match(words, skills)
    if whole is not None and whole.fit.covers_all:
        return [whole]
    if again := _restarted(words, skills):
        return [again]
    for position, word in enumerate(plain(words)):
        if word in _JOINS and 0 < position < len(words) - 1:
            first = best_match(words[:position], skills)
            second = best_match(words[position + 1 :], skills) if first else None
            if first and second:
                return [first, second]
    return [whole] if whole else []


def _restarted(words: list[Spoken], skills: Sequence[Skill]) -> Match | None:
    """The second of two requests for one skill, with words that take the first back between them."""
    said = plain(words)
    places = [(at, editing_end(said, at)) for at in range(1, len(said))]
    inside = [(at, end) for at, end in places if at < end < len(said)]
    for at, end in inside[:_MOST_RESTARTS]:
        first = best_match(words[:at], skills)
        second = best_match(words[end:], skills) if first else None
        if first and second and first.skill is second.skill:
            return second
    return None


def _without_repeats(matches: list[Match]) -> list[Match]:
    kept: list[Match] = []
    for match in matches:
        if not _is_among(match, kept):
            kept.append(match)
    return kept


def _is_among(match: Match, matches: Sequence[Match]) -> bool:
    return any(match.skill is other.skill and match.slots == other.slots for other in matches)
