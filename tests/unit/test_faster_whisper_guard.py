"""Silence and noise are not words: scores and texts as they were recorded, by whom it is said.

The tables have what others have published; texts marked "made up" are inventions of ours with scores of
that kind, for what no published score was found.
"""

from __future__ import annotations

import zlib

import pytest
from livekit.plugins.faster_whisper.guard import is_doubtful, is_speech, without_loops
from livekit.plugins.faster_whisper.hypothesis import HeardWord, Hypothesis, Scores


def heard(text: str) -> tuple[HeardWord, ...]:
    return tuple(
        HeardWord(word, n * 0.3, (n + 1) * 0.3, 0.9) for n, word in enumerate(text.split())
    )


def hypothesis(text: str, mean_log_probability: float, no_speech_probability: float) -> Hypothesis:
    encoded = text.encode()
    return Hypothesis(
        words=heard(text),
        scores=Scores(
            mean_log_probability=mean_log_probability,
            no_speech_probability=no_speech_probability,
            compression_ratio=len(encoded) / len(zlib.compress(encoded)),
        ),
        language="en",
        language_probability=1.0,
    )


SPEECH = [
    # OpenAI's API reference, the example of a verbose transcription.
    ("The beach was a popular spot on a hot summer day.", -0.286, 0.0099, 3.0),
    # collabora/WhisperLive issue 291: a recorded telephone greeting.
    ("お電話ありがとうございます", -0.346, 0.0, 3.0),
    ("FPI", -0.346, 0.0, 0.6),
    # zachlatta/freeflow#81: who says it has less than 0.02.
    ("Thank you.", -0.3, 0.019, 0.5),
    ("Thank you very much.", -0.3, 0.015, 0.8),
    # Made up: a curt answer, loud music behind, a hoarse voice, a fast speaker, a number.
    ("Yes.", -0.5, 0.03, 0.2),
    ("Can you hear me over the music?", -0.2, 0.7, 2.0),
    ("I am not quite sure about that", -1.1, 0.05, 2.5),
    ("could you please tell me what time it is right now", -0.3, 0.02, 1.0),
    ("0 5 5 5 5 5 5 5 2", -0.3, 0.01, 2.2),
]

INVENTIONS = [
    # faster-whisper issue 621: 30 s of silence, twice.
    ("Sottotitoli creati dalla comunità Amara.org", -0.378, 0.878, 1.0),
    ("Sottotitoli creati dalla comunità Amara.org", -0.307, 0.977, 1.0),
    # zachlatta/freeflow#81: inventions are above 0.06, whatever their log probability.
    ("Thank you.", -0.3, 0.07, 0.8),
    ("Thank you very much.", -0.2, 0.3, 1.5),
    # Whisper's own rule.
    ("and so on and so forth", -1.3, 0.65, 2.0),
    # Made up: a click, hum for ten seconds, noise that the model has no opinion of.
    ("Thanks for watching!", -0.4, 0.05, 0.16),
    ("Oh", -0.5, 0.2, 10.0),
    ("the the of a", -1.6, 0.3, 1.5),
    ("you", -0.6, 0.5, 0.4),
    ("ご視聴ありがとうございました", -0.25, 0.4, 1.2),
]


@pytest.mark.parametrize(("text", "log_probability", "no_speech", "loud_s"), SPEECH)
def test_what_somebody_said_is_believed(
    text: str, log_probability: float, no_speech: float, loud_s: float
) -> None:
    assert is_speech(hypothesis(text, log_probability, no_speech), loud_s)


@pytest.mark.parametrize(("text", "log_probability", "no_speech", "loud_s"), INVENTIONS)
def test_what_the_model_made_up_is_not_believed(
    text: str, log_probability: float, no_speech: float, loud_s: float
) -> None:
    assert not is_speech(hypothesis(text, log_probability, no_speech), loud_s)


def test_no_words_are_no_speech() -> None:
    assert not is_speech(hypothesis("", -0.1, 0.0), 2.0)


def test_a_sound_shorter_than_any_word_is_no_speech() -> None:
    assert not is_speech(hypothesis("no", -0.1, 0.0), 0.06)


@pytest.mark.parametrize(
    ("log_probability", "no_speech", "ratio", "doubtful"),
    [
        (-0.286, 0.0099, 1.236, False),
        (-1.2, 0.1, 1.2, True),
        (-1.2, 0.9, 1.2, False),  # silence: another decode would not find words either
        (-0.3, 0.1, 5.6, True),
        (-0.3, 0.9, 5.6, True),
    ],
)
def test_a_failed_decode_is_tried_again(
    log_probability: float, no_speech: float, ratio: float, doubtful: bool
) -> None:
    scores = Scores(
        mean_log_probability=log_probability,
        no_speech_probability=no_speech,
        compression_ratio=ratio,
    )
    assert is_doubtful(scores) is doubtful


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("you " * 30, "you"),
        ("I want to go to the to the to the to the to the", "I want to go to the"),
        ("Thank you. Thank you. thank you, Thank you. Thank you.", "Thank you."),
        ("and that was it. " * 6 + "Bye.", "and that was it. Bye."),
        ("hello " + "one two three four five six seven eight " * 4, None),
        ("no no no no", "no no no no"),
        ("0 8 0 0 5 5 5 5 5 5 5", "0 8 0 0 5 5 5 5 5 5 5"),
        ("ha ha ha bye bye bye", "ha ha ha bye bye bye"),
        ("", ""),
    ],
)
def test_a_loop_is_cut_down_to_its_first_round(text: str, expected: str | None) -> None:
    kept = " ".join(word.text for word in without_loops(heard(text)))
    assert kept == (expected if expected is not None else " ".join(text.split()[:9]))


def test_words_that_are_kept_keep_their_times() -> None:
    words = heard("stop " + "it is " * 5 + "now")
    assert without_loops(words) == (words[0], words[1], words[2], words[11])
