"""Interim transcripts that do not flicker: LocalAgreement-2.

A recogniser that decodes a growing window anew each time changes its mind about the newest words. What
two hypotheses in a row have in common from the start is *confirmed* and stays, whatever later ones say;
the rest of the newest hypothesis is the *tail*.

Liu et al., "Low-Latency Sequence-to-Sequence Speech Recognition and Translation by Partial Hypothesis
Selection", Interspeech 2020; Macháček et al., "Turning Whisper into Real-Time Transcription System",
IJCNLP-AACL 2023, and its program ufal/whisper_streaming. Other than there, words are compared without
case and punctuation: the full stop after the newest word goes when the sentence goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from .engine import Word

W = TypeVar("W", bound=Word)

_JITTER_S = 0.25
"""Two decodes of the same audio place a word so far apart at most."""


def same_word(one: str, other: str) -> bool:
    """True if they differ in case and punctuation at most."""
    return _key(one) == _key(other)


def common_start(one: Sequence[Word], other: Sequence[Word]) -> int:
    """How many words both begin with."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if not same_word(a.text, b.text):
            break
        count += 1
    return count


def beyond(earlier: Sequence[W], later: Sequence[W]) -> list[W]:
    """What `later` says after `earlier`, where the audio of the two may overlap.

    That is what follows the word that `earlier` ends with, if `later` has it at about the same time;
    else every word whose middle is after the end of `earlier`.
    """
    if not earlier:
        return list(later)
    last = earlier[-1]
    same = [place for place, word in enumerate(later) if _is_same(last, word)]
    if same:
        nearest = min(same, key=lambda place: abs(_middle_s(later[place]) - _middle_s(last)))
        return list(later[nearest + 1 :])
    return [word for word in later if _middle_s(word) > last.end_s]


class LocalAgreement(Generic[W]):
    """The words of one window; `insert` every new hypothesis for it."""

    def __init__(self) -> None:
        self._confirmed: list[W] = []
        self._tail: list[W] = []

    @property
    def confirmed(self) -> tuple[W, ...]:
        return tuple(self._confirmed)

    @property
    def words(self) -> tuple[W, ...]:
        """What is confirmed, then the tail."""
        return (*self._confirmed, *self._tail)

    def insert(self, hypothesis: Sequence[W]) -> None:
        """Takes the newest hypothesis for the whole window."""
        newest = self._after_confirmed(hypothesis)
        agreed = common_start(self._tail, newest)
        self._confirmed += newest[:agreed]
        self._tail = newest[agreed:]

    def reset(self) -> None:
        """Begins a new window."""
        self._confirmed, self._tail = [], []

    def _after_confirmed(self, hypothesis: Sequence[W]) -> list[W]:
        known = len(self._confirmed)
        if common_start(self._confirmed, hypothesis) == known:
            return list(hypothesis[known:])
        return beyond(self._confirmed, hypothesis)


def _key(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold() or text


def _middle_s(word: Word) -> float:
    return (word.start_s + word.end_s) / 2


def _is_same(one: Word, other: Word) -> bool:
    """Whether they are one spoken word in two decodes."""
    is_near = abs(_middle_s(one) - _middle_s(other)) < _JITTER_S
    return is_near and same_word(one.text, other.text)
