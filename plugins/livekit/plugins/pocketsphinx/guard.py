"""Tells words from noises that the decoder took for words.

The bounds come from single words of four voices (posterior 0.12 and more when right, 0.4 and more when
shorter than 0.3 s) against coughs, thumps, tones and noises of all levels.
"""

from __future__ import annotations

from collections.abc import Sequence

from .text import geometric_mean

_LEAST_LOUD_S = 0.10
"""Shorter sounds are clicks; a curt "yes" is 0.2 s."""

_SHORT_LOUD_S = 0.31
_SHORT_CONFIDENCE = 0.4
_CONFIDENCE = 0.03
"""Low: to a caller who spoke, an odd answer is better than none."""

_LONG_LOUD_S = 1.2
_LEAST_WORDS_PER_S = 0.7


def has_pace_of_speech(words: int, loud_s: float) -> bool:
    """False for one word in two seconds of sound: in noise and music the decoder finds few words."""
    return loud_s < _LONG_LOUD_S or words >= _LEAST_WORDS_PER_S * loud_s


def is_speech(probabilities: Sequence[float], loud_s: float) -> bool:
    """Whether the words found in a sound are to be believed, by the posterior of each (0..1).

    `loud_s`: how much of the sound was louder than a pause.
    """
    if not probabilities or loud_s < _LEAST_LOUD_S:
        return False
    if not has_pace_of_speech(len(probabilities), loud_s):
        return False
    least = _SHORT_CONFIDENCE if loud_s < _SHORT_LOUD_S else _CONFIDENCE
    return geometric_mean(probabilities) >= least
