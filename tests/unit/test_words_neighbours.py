"""Kinds of words by the company they keep."""

import numpy as np
import pytest

from agent.turns.words.language_model import TrigramModel
from agent.turns.words.neighbours import (
    PROFILE_LENGTH,
    Array,
    Neighbours,
    principal_axes,
    profile,
)

WORDS = (
    "table house street doctor window river bring take give send quickly slowly happy angry green "
    "tired he she they we on under of into"
).split()


@pytest.fixture(scope="module")
def model() -> TrigramModel:
    found = TrigramModel.load()
    assert found is not None
    return found


@pytest.fixture(scope="module")
def neighbours(model: TrigramModel) -> Neighbours:
    profiles = np.array([profile(word, model) for word in WORDS])
    return Neighbours(model, *principal_axes(profiles, 4))


def place(neighbours: Neighbours, word: str) -> Array:
    features = neighbours.features([word])
    return np.array([features[f"kind_last_{axis}"] for axis in range(4)])


@pytest.mark.parametrize(
    ("word", "alike", "other"),
    [("carpet", "table", "bring"), ("fetch", "bring", "table"), ("it", "she", "river")],
)
def test_words_of_a_kind_lie_together(
    neighbours: Neighbours, word: str, alike: str, other: str
) -> None:
    here = place(neighbours, word)
    near = np.linalg.norm(here - place(neighbours, alike))
    assert near < np.linalg.norm(here - place(neighbours, other))


def test_a_word_nobody_knows_is_said_to_be_unknown(
    neighbours: Neighbours, model: TrigramModel
) -> None:
    assert profile("zzyzxq", model) is None
    features = neighbours.features(["the", "zzyzxq"])
    assert features["kind_last_unknown"] == 1.0
    assert "kind_last_0" not in features
    assert features["kind_second_last_0"] == pytest.approx(place(neighbours, "the")[0])
    assert features["kind_third_last_missing"] == 1.0


def test_the_axes_are_the_same_every_time(model: TrigramModel) -> None:
    profiles = np.array([profile(word, model) for word in WORDS])
    assert profiles.shape == (len(WORDS), PROFILE_LENGTH)
    (mean, axes), (again, same) = principal_axes(profiles, 3), principal_axes(profiles[::-1], 3)
    assert np.allclose(mean, again)
    assert np.allclose(axes, same)
    placed = (profiles - mean) @ axes
    assert np.allclose(placed.std(axis=0), 1.0)
