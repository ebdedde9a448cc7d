"""Tells speech from what Whisper makes up for noise, and cuts a text that runs in circles.

Whisper's own rule for silence (no-speech probability above 0.6 and mean log probability below -1) lets its
favourite inventions through: their log probability is that of good speech, -0.3 to -0.4 (faster-whisper
issue 621). Most of them are a few phrases (Barański et al., "Investigation of Whisper ASR Hallucinations
Induced by Non-Speech Audio", ICASSP 2025), and a caller who really says one gets a no-speech probability
below 0.02 (zachlatta/freeflow#81, 500 recordings). So a phrase of theirs, or a few letters for a long sound,
is believed when the model is sure that somebody speaks; and nobody says a sentence during a click.
"""

from __future__ import annotations

from collections.abc import Sequence

from livekit.plugins.speechcore import Word
from livekit.plugins.speechcore.agreement import common_start

from .hypothesis import HeardWord, Hypothesis, Scores

LEAST_LOUD_S = 0.10
"""Shorter sounds are clicks; a curt "yes" is 0.2 s."""

_REPETITIVE_RATIO = 2.4
_UNSURE_LOG_PROBABILITY = -1.0
"""These two are Whisper's own bounds for a decode that has failed."""

_NO_SPEECH = 0.6
_SURE_LOG_PROBABILITY = -0.25
"""Above it words are believed whatever the no-speech probability: speech under loud music."""

_UNSURE_NO_SPEECH = 0.2
"""With a log probability below `_UNSURE_LOG_PROBABILITY`."""

_SUSPECT_NO_SPEECH = 0.06
_MOST_LETTERS_PER_S = 50.0
"""Of loud sound: the fastest speakers reach 45."""

_LONG_LOUD_S = 2.0
_LEAST_LETTERS_PER_S = 1.5

_INVENTED = (
    "thank you",
    "thank you very much",
    "thank you so much",
    "thank you for watching",
    "thanks for watching",
    "please subscribe",
    "see you next time",
    "you",
    "bye",
    "bye bye",
    "vielen dank",
    "gracias por ver el video",
    "ご視聴ありがとうございました",
    "продолжение следует",
)
_INVENTED_ANYWHERE = ("amara.org",)
"""In the credits of the subtitles it was trained on."""

_LONGEST_LOOP = 8
_MOST_ROUNDS = 3
_MOST_ROUNDS_OF_A_WORD = 7
"""People say "no no no", and telephone numbers have their fives."""


def is_doubtful(scores: Scores) -> bool:
    """Whether another decode with a longer window or other samples may be better."""
    is_silence = scores.no_speech_probability > _NO_SPEECH
    is_unsure = scores.mean_log_probability < _UNSURE_LOG_PROBABILITY
    return scores.compression_ratio > _REPETITIVE_RATIO or (is_unsure and not is_silence)


def is_speech(hypothesis: Hypothesis, loud_s: float) -> bool:
    """Whether words are to be believed. `loud_s`: how much of the sound was louder than a pause."""
    if not hypothesis.words or loud_s < LEAST_LOUD_S:
        return False
    scores = hypothesis.scores
    if _denies_speech(scores):
        return False
    text = " ".join(word.text for word in hypothesis.words).casefold()
    letters = sum(map(str.isalnum, text))
    if letters > _MOST_LETTERS_PER_S * loud_s or any(known in text for known in _INVENTED_ANYWHERE):
        return False
    is_slow = loud_s >= _LONG_LOUD_S and letters < _LEAST_LETTERS_PER_S * loud_s
    is_suspect = is_slow or _plain(text) in _INVENTED
    return not is_suspect or scores.no_speech_probability <= _SUSPECT_NO_SPEECH


def without_loops(words: Sequence[HeardWord]) -> tuple[HeardWord, ...]:
    """The words with every loop cut down to its first round.

    A loop is one to eight words that come again and again, more often than people repeat themselves.
    """
    kept: list[HeardWord] = []
    place = 0
    while place < len(words):
        length, rounds = _loop_at(words, place)
        kept += words[place : place + length]
        place += length * rounds
    return tuple(kept)


def _denies_speech(scores: Scores) -> bool:
    sureness, no_speech = scores.mean_log_probability, scores.no_speech_probability
    if no_speech > _NO_SPEECH:
        return sureness < _SURE_LOG_PROBABILITY
    return sureness < _UNSURE_LOG_PROBABILITY and no_speech > _UNSURE_NO_SPEECH


def _loop_at(words: Sequence[Word], place: int) -> tuple[int, int]:
    """Words in a round and rounds of the loop that begins at `place`; 1 and 1 without one."""
    for length in range(1, _LONGEST_LOOP + 1):
        shifted = words[place + length :]
        rounds = common_start(words[place:], shifted) // length + 1
        if rounds > (_MOST_ROUNDS_OF_A_WORD if length == 1 else _MOST_ROUNDS):
            return length, rounds
    return 1, 1


def _plain(text: str) -> str:
    """Letters, digits and single spaces."""
    return " ".join("".join(c if c.isalnum() else " " for c in text).split())
