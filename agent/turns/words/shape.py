"""What the words themselves say of an end: what kind the last one is, and how the sentence begins.

Only what told ends from pauses in registers held out of the training is kept (`docs/words-model.md`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from agent.turns.words import lexicon

_AUXILIARIES = lexicon.BE | lexicon.HAVE | lexicon.DO | lexicon.MODALS | lexicon.NEGATED
_DETERMINERS = lexicon.ARTICLES | lexicon.POSSESSIVES
_LAST = {
    "determiner": _DETERMINERS,
    "demonstrative": lexicon.DEMONSTRATIVES,
    "quantifier": lexicon.QUANTIFIERS,
    "preposition": lexicon.PREPOSITIONS - lexicon.PARTICLES,
    "particle": lexicon.PARTICLES,
    "conjunction": lexicon.CONJUNCTIONS,
    "subordinator": lexicon.SUBORDINATORS | lexicon.WH_WORDS,
    "be": lexicon.BE,
    "have": lexicon.HAVE,
    "do": lexicon.DO,
    "modal": lexicon.MODALS | lexicon.NEGATED,
    "subject": lexicon.SUBJECT_PRONOUNS,
    "contraction": lexicon.CONTRACTIONS,
    "object": lexicon.OBJECT_PRONOUNS,
    "it_you": lexicon.AMBIGUOUS_PRONOUNS,
    "indefinite": lexicon.INDEFINITE_PRONOUNS,
    "intensifier": lexicon.INTENSIFIERS - lexicon.CLOSING_ADVERBS,
    "closing_adverb": lexicon.CLOSING_ADVERBS,
    "object_verb": lexicon.OBJECT_VERBS,
    "complement_verb": lexicon.COMPLEMENT_VERBS,
    "verb": lexicon.COMMON_VERBS,
    "adjective": lexicon.ADJECTIVES,
    "attributive": lexicon.ATTRIBUTIVE_ONLY,
    "number": lexicon.NUMBER_WORDS,
    "title": lexicon.TITLES,
    "comparative": lexicon.COMPARATIVES,
}
_START = {
    "wh": lexicon.WH_WORDS - {"when"},
    "auxiliary": _AUXILIARIES,
    "subordinator": lexicon.OPENING_SUBORDINATORS,
    "verb": lexicon.COMMON_VERBS,
    "pronoun": lexicon.SUBJECT_PRONOUNS | lexicon.CONTRACTIONS | lexicon.AMBIGUOUS_PRONOUNS,
    "determiner": _DETERMINERS | lexicon.DEMONSTRATIVES | lexicon.QUANTIFIERS,
    "preposition": lexicon.PREPOSITIONS,
}
_MAY_BE_STRANDED = (
    "preposition",
    "particle",
    "be",
    "modal",
    "verb",
    "complement_verb",
    "object_verb",
)
_OPENS_GAP = lexicon.WH_WORDS | {"that", "than"}
"""Behind these a verb or preposition may be the last word: `where are you from`, `than he was`."""
_BEFORE_BARE_TO = frozenset("love glad have want like happy hope supposed used need able".split())
_OBJECTS = frozenset({"it", "that", "them", "me", "this"})


def shape_features(sentence: Sequence[str]) -> dict[str, float]:
    """For a sentence of at least one word; fillers do not count."""
    words = [word for word in sentence if word not in lexicon.FILLERS]
    features = {"length_log": math.log1p(len(words))}
    if len(words) <= 3:
        features[f"length_{len(words)}"] = 1.0
    if len(sentence) < 5 and all(word in lexicon.STANDALONE for word in sentence):
        features["stands_alone"] = 1.0
    if len(words) == 1 and words[0] in lexicon.WHOLE_WORDS:
        features["whole_word"] = 1.0
    if words:
        features |= _last_word(words) | _start(words)
    return features


def _last_word(words: Sequence[str]) -> dict[str, float]:
    last = words[-1]
    features = {f"last_{name}": 1.0 for name, members in _LAST.items() if last in members}
    has_gap = any(word in _OPENS_GAP for word in words[:-1])
    if has_gap:
        features |= {
            f"stranded_{name}": 1.0 for name in _MAY_BE_STRANDED if f"last_{name}" in features
        }
    if last == "to" and (has_gap or (len(words) > 1 and words[-2] in _BEFORE_BARE_TO)):
        features["bare_to"] = 1.0
    if _is_phrasal_verb(words):
        features["phrasal_verb"] = 1.0
    return features


def _is_phrasal_verb(words: Sequence[str]) -> bool:
    """`hold on`, `turn it on`."""
    verbs = lexicon.PHRASAL_VERBS.get(words[-1])
    if verbs is None or len(words) < 2:
        return False
    return words[-2] in verbs or (len(words) > 2 and words[-2] in _OBJECTS)


def _start(words: Sequence[str]) -> dict[str, float]:
    """How the clause behind `so`, `well`, `yes` … begins."""
    clause = [*words]
    while clause and clause[0] in lexicon.OPENERS:
        del clause[0]
    if not clause:
        return {"only_openers": 1.0}
    features = {f"starts_{name}": 1.0 for name, members in _START.items() if clause[0] in members}
    if len(clause) <= 2:
        features |= {f"{name}_short": 1.0 for name in features}
    return features
