from __future__ import annotations

import numpy as np
import pytest

from evals.ear.vad_figures import (
    average_precision,
    label_windows,
    parse_labels,
    precision_recall,
    read_vad_figures,
    roc_auc,
    start_delays,
    stop_delays,
    sum_up,
)


def test_a_vad_that_parts_speech_from_the_rest_has_an_average_precision_of_one() -> None:
    scores = np.array([0.9, 0.2, 0.8, 0.1])
    assert average_precision(scores, scores > 0.5) == 1.0


def test_a_wrong_order_costs_precision_at_each_recall() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    speech = np.array([True, False, True, False])
    assert average_precision(scores, speech) == pytest.approx((1 + 2 / 3) / 2)


def test_a_vad_that_says_the_same_of_everything_has_the_share_of_speech() -> None:
    speech = np.array([True, False, False, False])
    assert average_precision(np.full(4, 0.5), speech) == 0.25


def test_labels_are_spans_with_a_flag() -> None:
    spans = parse_labels("name-01,0.000,0.400,0,0.400,1.200,1\n")
    assert spans == [(0.0, 0.4, False), (0.4, 1.2, True)]


@pytest.mark.parametrize("text", ["", "name", "name,0.0,0.4", "name,a,b,1"])
def test_other_labels_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_labels(text)


def test_a_window_is_speech_if_its_middle_is() -> None:
    windows = label_windows([(0.0, 0.05, False), (0.05, 0.1, True)], 4, 0.032)
    assert windows.tolist() == [False, False, True, False]


def test_figures_that_were_not_measured_are_none() -> None:
    assert read_vad_figures(None) is None


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([0.9, 0.8, 0.2, 0.1], 1.0), ([0.1, 0.2, 0.8, 0.9], 0.0), ([0.5, 0.5, 0.5, 0.5], 0.5)],
)
def test_auc_is_the_chance_that_speech_scores_higher(scores: list[float], expected: float) -> None:
    speech = np.array([True, True, False, False])
    assert roc_auc(np.array(scores), speech) == expected


def test_equal_scores_count_half_for_the_auc() -> None:
    speech = np.array([True, True, False, False])
    assert roc_auc(np.array([0.9, 0.5, 0.5, 0.1]), speech) == pytest.approx(3.5 / 4)


def test_precision_and_recall_are_those_of_a_decision() -> None:
    speech = np.array([True, True, True, False])
    decided = np.array([True, False, False, True])
    assert precision_recall(decided, speech) == (0.5, pytest.approx(1 / 3))
    assert precision_recall(np.zeros(4, dtype=bool), speech) == (1.0, 0.0)


SPANS = [
    (0.0, 1.0, False),
    (1.0, 2.0, True),
    (2.0, 2.2, False),
    (2.2, 3.0, True),
    (3.0, 4.0, False),
]
"""One beginning and one end with quiet before and after, and a short pause between."""


def test_only_edges_with_quiet_on_the_other_side_have_a_delay() -> None:
    assert start_delays(SPANS, [1.1, 2.3]) == [pytest.approx(0.1)]
    assert stop_delays(SPANS, [2.2, 3.3]) == [pytest.approx(0.3)]


def test_an_edge_that_is_not_told_before_the_next_one_is_missed() -> None:
    assert start_delays(SPANS, [0.5, 2.5]) == [None]
    assert stop_delays(SPANS, [1.5, 4.1]) == [None]


def test_an_edge_may_be_told_a_little_early() -> None:
    assert start_delays(SPANS, [0.9]) == [pytest.approx(-0.1)]


def test_delays_are_summed_up_with_those_that_were_missed() -> None:
    summed = sum_up([0.1, None, 0.3])
    assert (summed.p50_s, summed.found, summed.missed) == (0.2, 2, 1)
    assert sum_up([None]).p50_s is None
