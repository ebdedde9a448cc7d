"""Everything the words say about the end of the turn, as numbers for the trained models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agent.turns.words import lexicon
from agent.turns.words.asked import Asked, asked_for, offered_words
from agent.turns.words.dictation import Dictation, dictation
from agent.turns.words.hums import is_assent
from agent.turns.words.language_model import TrigramModel
from agent.turns.words.neighbours import Neighbours
from agent.turns.words.shape import shape_features
from agent.turns.words.tokens import Utterance

State = Literal["plain", "number", "email", "spelling", "address", "date", "hesitation", "answer"]

MARK_LOG_ODDS = {"?": 0.7, "!": 0.6, ".": 0.4, ",": -0.8, "…": -1.5, "-": -1.5}
"""Recognisers guess punctuation: Whisper puts a full stop behind nearly every partial."""
_ANSWER_LOG_ODDS = 2.0
_HESITATION_LOG_ODDS = -2.5
_ANSWER_WORDS = lexicon.STANDALONE | frozenset(
    "that's it is i'm i am do don't did didn't will would won't have haven't can can't was wasn't go ahead not yet now "
    "think so both either neither all much very ahead you too".split()
)
_UNFINISHED_ANSWERS = frozenset({"i", "it", "of", "that's", "not", "very", "all"})
_CHOICE_WORDS = frozenset(
    "first second third last one either both neither former latter whatever any".split()
)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    state: State
    log_odds: float
    """What is known without training: punctuation, dictation, answers, hesitation."""
    features: dict[str, float]
    """For the trained weights; empty where the log odds say all there is."""


@dataclass(frozen=True)
class Language:
    """What a model of the language says."""

    trigram: TrigramModel
    neighbours: Neighbours

    def features(self, sentence: Sequence[str]) -> dict[str, float]:
        words = [word for word in sentence if word not in lexicon.FILLERS]
        return self.trigram.features(words) | self.neighbours.features(words)


def evidence(words: Utterance, agent_said: str, language: Language | None) -> Evidence:
    """For at least one word; without `language` from the words themselves alone."""
    asked = asked_for(agent_said)
    mark = MARK_LOG_ODDS.get(words.mark, 0.0)
    if is_assent(words.tokens):
        return Evidence(state="answer", features={}, log_odds=_ANSWER_LOG_ODDS)
    dictated = dictation(words.tokens, asked)
    if _hesitates(words):
        known = min(dictated.log_odds, _HESITATION_LOG_ODDS) if dictated else _HESITATION_LOG_ODDS
        return Evidence(state="hesitation", features={}, log_odds=known)
    if dictated and dictated.replaces_grammar:
        return Evidence(state=dictated.kind, features={}, log_odds=dictated.log_odds + mark)
    known = mark + (dictated.log_odds if dictated else 0.0)
    state = _state(words.tokens, asked, agent_said, dictated)
    if state == "answer":
        known += _ANSWER_LOG_ODDS
    features = shape_features(words.sentence or words.tokens)
    if language is not None:
        features |= language.features(words.sentence or words.tokens)
    return Evidence(state=state, features=features, log_odds=known)


def _hesitates(words: Utterance) -> bool:
    return words.tokens[-1] in lexicon.FILLERS or words.mark == "…"


def _state(
    tokens: tuple[str, ...], asked: Asked, agent_said: str, dictated: Dictation | None
) -> State:
    if dictated:
        return "date"
    return "answer" if _is_answer(tokens, asked, agent_said) else "plain"


def _is_answer(tokens: tuple[str, ...], asked: Asked, agent_said: str) -> bool:
    """Whole answers only: `yes`, `no thanks`, `white`, `the second one`; not `yes i'd like`."""
    if len(tokens) > 5:
        return False
    if asked in {Asked.CHOICE, Asked.FACT} and tokens[-1] in _CHOICE_WORDS:
        return True
    if asked is Asked.CHOICE:
        return tokens[-1] in offered_words(agent_said)
    if asked is not Asked.YES_NO or tokens[-1] in _UNFINISHED_ANSWERS or tokens == ("so",):
        return False
    opens = tokens[0] in lexicon.STANDALONE or tokens[0] in {"i", "it", "that's", "not"}
    return opens and all(word in _ANSWER_WORDS for word in tokens)
