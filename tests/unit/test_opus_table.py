"""The tables of docs/opus.md: from the results alone, and up to date."""

from __future__ import annotations

from typing import Any

import pytest

from evals.opus.__main__ import DOCUMENT, up_to_date
from evals.opus.table import MISSING, figures, whole_table

CONDITIONS = {
    "sentences": 10,
    "when": "2026-01-02",
    "cores": 2,
    "machine": "a machine",
    "load_at_start": 0.1,
}


def row(network: str, direction: str, variant: str, **values: Any) -> dict[str, Any]:
    return {
        "network": network,
        "direction": direction,
        "variant": variant,
        "n": 10,
        "lost": 0,
        "delay_p50_s": 0.06,
        "delay_p95_s": 0.08,
        "missing": 0.0,
        "words": 50,
        "word_errors": 5,
        "kbps": 30.0,
        "pause_dbfs": -60.0,
        "late_p99_s": 0.001,
        **values,
    }


ROWS = [
    row("good", "there", "plain"),
    row("good", "back", "plain", kbps=20.0, pause_dbfs=-70.0),
    row("good", "there", "RED", word_errors=0, words=50),
    row("bad", "there", "plain", word_errors=25, missing=0.1, late_p99_s=0.013),
    row("bad", "back", "plain", lost=2, missing=0.3, delay_p95_s=0.31),
    row("bad", "there", "RED", delay_p50_s=None, delay_p95_s=None, lost=10, missing=1.0),
]


def test_the_document_says_what_the_results_say() -> None:
    message = "the results have changed: run `python -m evals.opus --write`"
    assert DOCUMENT.read_text(encoding="utf-8") == up_to_date(), message


def test_what_was_not_measured_is_said_to_be_missing() -> None:
    assert set(figures({}).values()) == {MISSING}


@pytest.mark.parametrize(
    ("name", "plain", "red"),
    [
        ("words", "| plain | 10% | 30% |", "| RED | 0% | 10% |"),
        ("missing", "| plain | 0.0% | 20.0% (2 not found) |", "| RED | 0.0% | 100.0% (10 not"),
        ("delay", "| plain | 60 ms / 80 ms | 60 ms / 310 ms |", "| RED | 60 ms / 80 ms | – / – |"),
        ("rate", "| plain | 25 | -65 dBFS |", "| RED | 30 | -60 dBFS |"),
    ],
)
def test_both_directions_are_told_together(name: str, plain: str, red: str) -> None:
    table = figures({"rows": ROWS, "conditions": CONDITIONS})[name].splitlines()
    assert table[2] == plain
    assert table[3].startswith(red)


def test_how_busy_the_machine_was_is_told() -> None:
    told = figures({"rows": ROWS, "conditions": CONDITIONS})["conditions"]
    assert "10 sentences (50 words)" in told and "13 ms late" in told


def test_all_figures_of_one_direction_are_shown() -> None:
    lines = whole_table(ROWS, "back").splitlines()
    assert len(lines) == 4
    assert lines[3] == (
        "| bad | plain | 60 ms / 310 ms (2 of 10 not found) | 30.0% | 10% | 30 | -60 dBFS |"
    )
