"""Where a text goes on whose voice has died, when the voice did not tell its words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .tts_pace import Boundary, Pace, boundaries
from .tts_quiet import Quiet
from .tts_words import Mark

_FIXED_ERROR_S = 0.08
_RELATIVE_ERROR = 0.12
"""How far a place in the audio is usually from where the pace says it is."""

_WRONG_PAUSE = 0.7
_SHORT_S = 0.025
_SHORT = 0.3
_PER_DROPPED_S = 0.5
"""What speaks against a place, in usual errors: a pause without punctuation or the reverse, a quiet
as short as a consonant's, and each second of sound that would have to be spoken again."""

_ANCHOR_TOLERANCE_S = 0.15
_ANCHOR_TOLERANCE = 0.25


@dataclass(frozen=True, slots=True)
class _Expected:
    boundary: Boundary
    at_s: float


def place(
    text: str, pace: Pace, anchor: Mark, quiets: Sequence[Quiet], received_s: float
) -> tuple[Quiet, int] | None:
    """The quiet after which another voice goes on, and from which offset of `text`.

    `anchor` is the last place that is known; `quiets` those where the audio may be cut. None
    without any.
    """
    expected = list(_expected(text, pace, anchor))
    choices = [
        (_cost(quiet, one, anchor, received_s), quiet, one.boundary.offset)
        for quiet in quiets
        for one in expected
    ]
    if not choices:
        return None
    _, quiet, offset = min(choices, key=lambda choice: choice[0])
    return quiet, offset


def nearest(text: str, pace: Pace, anchor: Mark, at_s: float) -> int:
    """The offset of the boundary that is expected nearest to a place in the audio."""
    expected = list(_expected(text, pace, anchor))
    return min(expected, key=lambda one: abs(one.at_s - at_s)).boundary.offset


def next_anchor(text: str, pace: Pace, anchor: Mark, pause: Quiet) -> Mark | None:
    """A long pause near where the text has punctuation: the words before it have been spoken."""
    stops = [one for one in _expected(text, pace, anchor) if one.boundary.is_pause]
    stops = [one for one in stops if one.boundary.offset > anchor.offset]
    if not stops:
        return None
    best = min(stops, key=lambda one: abs(one.at_s - pause.start_s))
    tolerance_s = _ANCHOR_TOLERANCE_S + _ANCHOR_TOLERANCE * (best.at_s - anchor.at_s)
    if abs(best.at_s - pause.start_s) > tolerance_s:
        return None
    return Mark(pause.start_s, best.boundary.offset)


def _expected(text: str, pace: Pace, anchor: Mark) -> Iterator[_Expected]:
    """The boundaries from the anchor on, and when each should be reached."""
    found = [one for one in boundaries(text) if one.offset >= anchor.offset]
    for one in found:
        at_s = anchor.at_s + (one.units - found[0].units) * pace.unit_s
        yield _Expected(one, at_s)


def _cost(quiet: Quiet, one: _Expected, anchor: Mark, received_s: float) -> float:
    usual_s = _FIXED_ERROR_S + _RELATIVE_ERROR * (one.at_s - anchor.at_s)
    cost = abs(quiet.start_s - one.at_s) / usual_s
    if one.boundary.offset > anchor.offset and quiet.is_long != one.boundary.is_pause:
        cost += _WRONG_PAUSE
    if quiet.length_s < _SHORT_S:
        cost += _SHORT
    return cost + _PER_DROPPED_S * (received_s - quiet.start_s)
