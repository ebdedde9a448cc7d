"""How probable it is that a turn ends after these words: a pure function with trained weights."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from agent.turns.words import lexicon
from agent.turns.words.asked import Asked, asked_for
from agent.turns.words.features import Language, State, evidence
from agent.turns.words.forest import Forest
from agent.turns.words.language_model import TrigramModel
from agent.turns.words.manner import Manner, manner
from agent.turns.words.neighbours import Neighbours
from agent.turns.words.tokens import utterance

_FOLDER = Path(__file__).parent
WEIGHTS = _FOLDER / "weights.json"
FOREST = _FOLDER / "forest.json"
"""Written by `python -m evals.words.train`: without and with the trigram model."""

_DICTATED = frozenset({"number", "email", "spelling", "address"})
_CACHED = 64
"""A detector asks again about the same words as silence grows."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    end_probability: float
    """That a turn ends after these words, an end and a pause being equally likely before."""
    state: State
    manner: Manner = Manner()


NEUTRAL = Verdict(end_probability=0.5, state="plain")


class Model(Protocol):
    def log_odds(self, features: Mapping[str, float]) -> float: ...


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Of a logistic regression."""

    bias: float
    weights: Mapping[str, float]

    def log_odds(self, features: Mapping[str, float]) -> float:
        return self.bias + sum(
            self.weights.get(name, 0.0) * value for name, value in features.items()
        )


class WordsJudge:
    """English. Thread-safe; about 0.3 ms for words not seen before."""

    def __init__(self, model: Model, language: Language | None) -> None:
        self._model = model
        self._language = language
        self._judge = lru_cache(maxsize=_CACHED)(self._judge_once)

    @classmethod
    def load(cls, *, with_trigram: bool = True) -> WordsJudge:
        """Uses the trigram model of the pocketsphinx wheel where that is installed (60 ms, 35 MB)."""
        trigram = TrigramModel.load() if with_trigram else None
        if trigram is None:
            return cls(Weights(**_read(WEIGHTS)), None)
        content = _read(FOREST)
        neighbours = Neighbours(trigram, np.array(content["mean"]), np.array(content["axes"]))
        return cls(Forest.from_dict(content), Language(trigram, neighbours))

    def judge(self, text: str, agent_said: str = "") -> Verdict:
        """`text`: all the caller has said in this turn; `agent_said`: the agent's turn before it."""
        return self._judge(text, agent_said)

    def _judge_once(self, text: str, agent_said: str) -> Verdict:
        words = utterance(text)
        if not words.tokens:
            return NEUTRAL
        found = evidence(words, agent_said, self._language)
        log_odds = found.log_odds
        if found.features:
            log_odds += self._model.log_odds(found.features)
        return Verdict(
            end_probability=1.0 / (1.0 + math.exp(-log_odds)),
            state=found.state,
            manner=_manner(words.tokens, found.state, asked_for(agent_said)),
        )


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _manner(tokens: tuple[str, ...], state: State, asked: Asked) -> Manner:
    seen = manner(tokens)
    is_unasked = asked in {Asked.NOTHING, Asked.OPEN}
    return replace(
        seen,
        dictates=seen.dictates or state in _DICTATED or (seen.is_bare_date and is_unasked),
        thinks=seen.thinks or state == "hesitation" or (is_unasked and _is_odd_word(tokens)),
        tells_date=seen.tells_date or state == "date",
    )


def _is_odd_word(tokens: tuple[str, ...]) -> bool:
    """The only word, and none that people leave at that: `reception` (at the blue lantern)."""
    return len(tokens) == 1 and tokens[0] not in lexicon.STANDALONE | lexicon.WHOLE_WORDS
