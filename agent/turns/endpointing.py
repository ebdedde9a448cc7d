"""When the caller has finished: pure policies over what was heard, asked again as silence grows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.turns.patience import BUDGETS, Pace

AUDIO_NEUTRAL = 0.45
"""The score of v1-mini that says nothing; its own threshold is 0.36 at 0.2 s of silence."""

_AUDIO_WEIGHT = 2.0
"""It tells ends from pauses on human voices (AUC 0.72-0.85), hardly on synthetic ones (0.4-0.7)."""

PAUSE_SCORE_WEIGHT = 0.5
_PAUSE_LOGITS = (-1.0, 2.0)
"""What a recogniser's own score of a pause may say at most. It is about the same words and voice, so that
it is no second witness; and as it comes a sixth of a second into the silence, a low one says little."""

_MODEL_WEIGHT = 0.5
_MODEL_SILENT = (0.05, 0.5)
_MODEL_LOGIT = 1.0
"""What a language model says of the end of the turn. A next word that is no end is likelier almost
everywhere, how much so depends on the model, and without trained weights nobody has measured it: so what
is between the two says nothing, and what is beyond moves the odds by 1.65 (e^0.5) at most. It has read the
words that are judged already, so that it is no second witness."""

_WORDLESS_SILENCE_S = 1.0
_LONGEST_SILENCE_S = 2.6
_THRESHOLD_PER_SHARE = 4.0
"""From a share of pauses to a threshold of the chance that this is one (docs/turn-taking.md)."""

_ANOTHER_PAUSE = 0.6
"""Odds of an end, for each of the first two pauses the caller has made in this turn."""


@dataclass(frozen=True, kw_only=True)
class Care:
    """How somebody who speaks in a certain manner is waited for."""

    least_s: float
    """Silence before which the turn is never over."""
    odds: float = 1.0
    """Of an end, against those of plain speech."""
    slower: float = 1.0
    """How much longer their pauses last."""


_PLAIN = Care(least_s=0.26)
_DATES = Care(least_s=0.6, odds=0.3)
_THINKING = Care(least_s=0.6, odds=0.2, slower=1.1)
_DICTATING = Care(least_s=1.2, odds=0.3, slower=1.1)


@dataclass(frozen=True, kw_only=True)
class TurnView:
    """A moment of silence in the caller's turn."""

    silence_s: float
    """Since the caller's last sound."""
    words_quiet_s: float | None
    """Since the words last changed; None when there are none."""
    words_are_complete: bool = True
    """Whether the words reach to the end of the sound, as far as can be told."""
    end_probability: float = 0.5
    """That a turn ends after these words."""
    dictates: bool = False
    """A number, a spelling or an address is or may be under way."""
    thinks: bool = False
    """The caller has hesitated in this turn."""
    is_date: bool = False
    pauses: int = 0
    """That the caller has made in this turn before."""
    audio_scores: Sequence[float] = ()
    """Of the end-of-turn model in this silence, the oldest first."""
    pause_score: float | None = None
    """The recogniser's own, 0..1, that this silence is an end; None of one without a semantic VAD."""
    model_probability: float | None = None
    """The language model's, 0..1, that the turn ends after these words; None of one that is not asked
    or has not said so yet."""


class EndpointingPolicy(Protocol):
    """Says whether the turn is over; asked again and again while the silence lasts."""

    def is_over(self, view: TurnView, pace: Pace) -> bool: ...


@dataclass(frozen=True)
class VadPolicy:
    """Silence alone."""

    silence_s: float = 0.5

    def is_over(self, view: TurnView, pace: Pace) -> bool:
        return view.silence_s >= self.silence_s


@dataclass(frozen=True)
class ClassicPolicy:
    """VAD and recogniser both silent for half a second."""

    silence_s: float = 0.5

    def is_over(self, view: TurnView, pace: Pace) -> bool:
        words_quiet_s = view.words_quiet_s
        if words_quiet_s is None:
            return view.silence_s >= _WORDLESS_SILENCE_S
        return min(view.silence_s, words_quiet_s) >= self.silence_s


@dataclass(frozen=True)
class HazardPolicy:
    """Ends the turn when the chance that this is only a pause falls under `budget`.

    By Bayes' rule: the odds that the words end here, moved by the sound of the voice, against the
    chance that a pause of this caller would have lasted so long.
    """

    budget: float = BUDGETS["normal"]
    """Share of the pauses in the middle of a phrase in which the agent may cut in."""
    pause_weight: float = PAUSE_SCORE_WEIGHT
    """Of a recogniser's own score of the pause, in logits of it."""

    def is_over(self, view: TurnView, pace: Pace) -> bool:
        if view.words_quiet_s is None:
            return view.silence_s >= _WORDLESS_SILENCE_S
        if view.silence_s < _care(view).least_s or not view.words_are_complete:
            return False
        if view.silence_s >= _LONGEST_SILENCE_S:
            return True
        return self.pause_probability(view, pace) <= self.budget * _THRESHOLD_PER_SHARE

    def pause_probability(self, view: TurnView, pace: Pace) -> float:
        """That the caller will go on, given the words, the voice and the silence so far."""
        care = _care(view)
        evidence = _audio_evidence(view.audio_scores)
        evidence += self.pause_weight * _pause_evidence(view.pause_score)
        evidence += _MODEL_WEIGHT * _model_evidence(view.model_probability)
        odds = math.exp(_logit(view.end_probability) + evidence)
        odds *= care.odds * _ANOTHER_PAUSE ** min(2, view.pauses)
        outlasts = pace.outlasts(view.silence_s / care.slower)
        return outlasts / (outlasts + odds)


def _care(view: TurnView) -> Care:
    if view.dictates:
        return _DICTATING
    if view.thinks:
        return _THINKING
    return _DATES if view.is_date else _PLAIN


def _audio_evidence(scores: Sequence[float]) -> float:
    """In logits. The mean: the maximum over time saturates for ends and pauses alike."""
    if not scores:
        return 0.0
    return _AUDIO_WEIGHT * (sum(scores) / len(scores) - AUDIO_NEUTRAL)


def _pause_evidence(score: float | None) -> float:
    """In logits, for a weight of 1. The score is taken for a probability whose neutral value is a half."""
    if score is None:
        return 0.0
    low, high = _PAUSE_LOGITS
    return min(high, max(low, _logit(score)))


def _model_evidence(probability: float | None) -> float:
    """In logits beyond the range that says nothing, for a weight of 1."""
    if probability is None:
        return 0.0
    low, high = map(_logit, _MODEL_SILENT)
    logit = _logit(probability)
    return min(_MODEL_LOGIT, max(-_MODEL_LOGIT, logit - min(high, max(low, logit))))


def _logit(probability: float) -> float:
    bounded = min(0.995, max(0.005, probability))
    return math.log(bounded / (1 - bounded))
