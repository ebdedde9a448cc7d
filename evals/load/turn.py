"""A turn as a caller judges it while the call goes on: by when the agent began to speak. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["answered", "cut_off", "unanswered"]


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One thing said and what came of it."""

    utterance: str
    outcome: Outcome
    response_s: float | None = None
    """From the last audible sample to the answer's first frame of sound, to 10 ms."""


def judge(utterance: str, start_s: float, end_s: float, onsets_s: Sequence[float]) -> Turn:
    """`start_s`, `end_s`: of the words. `onsets_s`: when the agent began to speak, in order."""
    if any(start_s < onset_s < end_s for onset_s in onsets_s):
        return Turn(utterance=utterance, outcome="cut_off")
    answer_s = next((onset_s for onset_s in onsets_s if onset_s >= end_s), None)
    if answer_s is None:
        return Turn(utterance=utterance, outcome="unanswered")
    return Turn(utterance=utterance, outcome="answered", response_s=round(answer_s - end_s, 3))
