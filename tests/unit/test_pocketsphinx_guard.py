"""Noises are told from words."""

import pytest
from livekit.plugins.pocketsphinx.guard import has_pace_of_speech, is_speech


@pytest.mark.parametrize(
    ("probabilities", "loud_s"),
    [([0.98], 0.44), ([0.81], 0.20), ([0.12], 0.38), ([0.24], 0.36), ([0.6, 0.4, 0.9, 0.2], 1.5)],
)
def test_words_as_people_say_them_are_believed(probabilities: list[float], loud_s: float) -> None:
    assert is_speech(probabilities, loud_s)


@pytest.mark.parametrize(
    ("probabilities", "loud_s"),
    [
        pytest.param([], 1.0, id="nothing found"),
        pytest.param([0.99], 0.06, id="a click"),
        pytest.param([0.30], 0.30, id="a cough"),
        pytest.param([0.02, 0.03], 0.52, id="two coughs"),
        pytest.param([0.99], 3.78, id="four seconds of noise"),
    ],
)
def test_noises_are_not_believed(probabilities: list[float], loud_s: float) -> None:
    assert not is_speech(probabilities, loud_s)


def test_slow_speech_still_has_the_pace_of_speech() -> None:
    assert has_pace_of_speech(1, 1.1)
    assert has_pace_of_speech(3, 4.0)
    assert not has_pace_of_speech(2, 4.0)
