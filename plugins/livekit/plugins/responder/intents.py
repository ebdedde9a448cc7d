"""Which skills a text asks for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .patterns import CAREFUL, RELAXED, Fit, Heard, SlotValue
from .skills import Skill
from .words import MAX_WORDS, Spoken, plain, split_clauses, split_words

_JOINS = frozenset(["and", "then", "also"])


@dataclass(frozen=True, slots=True)
class Match:
    """A skill that was asked for."""

    skill: Skill
    fit: Fit

    @property
    def slots(self) -> Mapping[str, SlotValue]:
        return self.fit.slots


def find_matches(text: str, skills: Sequence[Skill]) -> list[Match]:
    """What `text` asks for in the order it asks; empty if it is not understood.

    Sentences are understood one by one; one without punctuation may hold two requests joined
    by "and". Skills of last resort are tried when no other fits.
    """
    usual = [skill for skill in skills if not skill.is_last_resort]
    clauses = _clauses(text)
    each = [_match_clause(words, usual) for words in clauses]
    if len(clauses) > 1 and not all(each):
        whole = best_match(split_words(text), usual)
        if whole is not None:
            return [whole]
    found = [match for matches in each for match in matches]
    if found:
        return _without_repeats(found)
    last_resorts = [skill for skill in skills if skill.is_last_resort]
    fallback = best_match(split_words(text), last_resorts)
    return [fallback] if fallback else []


def best_match(words: Sequence[Spoken], skills: Sequence[Skill]) -> Match | None:
    """The one skill that fits `words` best and well enough."""
    if not words:
        return None
    heard = Heard(words)
    best: Match | None = None
    for skill in skills:
        strictness = CAREFUL if skill.is_careful else RELAXED
        for pattern in skill.patterns:
            fit = pattern.fit(heard, strictness)
            if fit is None:
                continue
            if best is None or (fit.score, fit.weight) > (best.fit.score, best.fit.weight):
                best = Match(skill, fit)
    return best


def _clauses(text: str) -> list[list[Spoken]]:
    """The words of each sentence, MAX_WORDS in all."""
    clauses: list[list[Spoken]] = []
    left = MAX_WORDS
    for clause in split_clauses(text):
        words = split_words(clause)[:left]
        left -= len(words)
        if words:
            clauses.append(words)
        if not left:
            break
    return clauses


def _match_clause(words: list[Spoken], skills: Sequence[Skill]) -> list[Match]:
    whole = best_match(words, skills)
    if whole is not None and whole.fit.covers_all:
        return [whole]
    for position, word in enumerate(plain(words)):
        if word in _JOINS and 0 < position < len(words) - 1:
            first = best_match(words[:position], skills)
            second = best_match(words[position + 1 :], skills) if first else None
            if first and second:
                return [first, second]
    return [whole] if whole else []


def _without_repeats(matches: list[Match]) -> list[Match]:
    kept: list[Match] = []
    for match in matches:
        if all(match.skill is not k.skill or match.slots != k.slots for k in kept):
            kept.append(match)
    return kept
