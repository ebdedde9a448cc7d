from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evals.ear.vad_figures import (
    average_precision,
    label_windows,
    parse_labels,
    read_vad_figures,
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


def test_figures_that_were_not_measured_are_none(tmp_path: Path) -> None:
    assert read_vad_figures(tmp_path / "vad.json") is None
