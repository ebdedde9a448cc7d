"""The training sentences, and the arithmetic of the words model."""

import json
from pathlib import Path

import numpy as np
import pytest

from agent.turns.words.forest import Forest
from evals.words.boosting import ROUNDS, forest, log_odds
from evals.words.corpus import places, read_sentences
from evals.words.examples import by_logistic, cross_validated, examples, grow
from evals.words.logistic import area_under_curve, fit, recognised_at, sigmoid


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.txt").write_text("red or white? => red / please\ni want / two\n")
    return tmp_path


def test_every_word_of_a_sentence_is_a_place_and_the_last_is_its_end(folder: Path) -> None:
    found = [
        (place.words, place.is_end, place.is_complete) for place in places(read_sentences(folder))
    ]
    assert found == [
        ("red", False, True),
        ("red please", True, False),
        ("i", False, False),
        ("i want", False, True),
        ("i want two", True, False),
    ]  # fmt: skip


def test_an_answer_keeps_its_question(folder: Path) -> None:
    assert [place.agent_said for place in places(read_sentences(folder))][0] == "red or white?"


def test_punctuated_partials_have_full_stops_where_the_words_could_be_all(folder: Path) -> None:
    written = [place.words for place in places(read_sentences(folder), "punctuated")]
    assert written == ["red.", "red. please.", "i.", "i want.", "i want. two."]


def test_joined_partials_follow_another_sentence_of_the_register(folder: Path) -> None:
    written = [place.words for place in places(read_sentences(folder), "joined")]
    assert written[0] == "i want two red"
    assert written[-1] == "red please i want two"


def test_no_training_sentence_is_said_twice_in_a_register() -> None:
    said = [(each.register, each.agent_said, each.words) for each in read_sentences()]
    assert len(set(said)) == len(said)


def test_the_area_under_the_curve_counts_ties_half() -> None:
    is_end, weight = np.array([1.0, 1.0, 0.0, 0.0]), np.ones(4)
    assert area_under_curve(np.array([3.0, 2.0, 1.0, 0.0]), is_end, weight) == 1.0
    assert area_under_curve(np.array([1.0, 1.0, 1.0, 1.0]), is_end, weight) == 0.5
    assert area_under_curve(np.array([0.0, 1.0, 2.0, 3.0]), is_end, weight) == 0.0


def test_the_share_recognised_leaves_the_false_share_of_pauses_above() -> None:
    scores = np.concatenate([np.arange(100.0), np.array([95.5, 99.5, 10.0, 98.5])])
    is_end = np.concatenate([np.zeros(100), np.ones(4)])
    assert recognised_at(scores, is_end, np.ones(104), false_share=0.05) == 0.75


def test_regression_finds_the_weights_that_made_the_labels() -> None:
    rng = np.random.default_rng(5)
    features = rng.normal(size=(20_000, 2))
    offset = rng.normal(size=20_000)
    truth = sigmoid(features @ np.array([2.0, -1.0]) + 0.5 + offset)
    is_end = (rng.random(20_000) < truth).astype(float)
    weights, bias = fit(features, offset, is_end, np.ones(20_000), ridge=1.0)
    assert weights == pytest.approx([2.0, -1.0], abs=0.1)
    assert bias == pytest.approx(0.5, abs=0.1)


def test_held_out_scores_of_the_words_alone_tell_ends_from_pauses() -> None:
    sentences = [each for each in read_sentences() if each.register in {"bank", "travel"}]
    data = examples(list(places(sentences)), None)
    [scores] = cross_validated(data, [data], by_logistic(np.arange(len(data.names))))
    assert area_under_curve(scores, data.is_end, data.weight) > 0.8


def test_the_forest_of_the_product_says_what_the_library_said() -> None:
    sentences = [each for each in read_sentences() if each.register in {"bank", "travel"}]
    data = examples(list(places(sentences)), None)
    booster = grow(data, np.ones(len(data.is_end), dtype=bool))
    grown = Forest.from_dict(json.loads(json.dumps(forest(booster, data.names).to_dict())))
    assert len(grown.trees) == ROUNDS
    expected = log_odds(booster, data.features)
    for row, wanted in list(zip(data.features, expected, strict=True))[::20]:
        features = dict(zip(data.names, row, strict=True))
        assert grown.log_odds(features) == pytest.approx(wanted, abs=0.02)
    assert np.ptp(expected) > 4
