"""Bars in a terminal, a line a file elsewhere."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from agent.weights import Catalogue, State, Store, our_catalogue
from agent.weights.show import Bars, Lines, models_table, plan_table
from tests.fakes.hub import catalogue_of

REPORTS = [
    ("ears:tiny model.bin", 400_000, 1_000_000),
    ("ears:tiny model.bin", 700_000, 1_000_000),
    ("ears:tiny model.bin", 1_000_000, 1_000_000),
    ("ears:tiny config.json", 0, 20),
    ("ears:tiny config.json", 20, 20),
]


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return catalogue_of(tmp_path, {"ears:tiny": {"model.bin": b"0" * 1_500_000}})


def console_of(output: io.StringIO, *, terminal: bool) -> Console:
    return Console(file=output, force_terminal=terminal, width=160)


def test_a_log_gets_a_line_a_file() -> None:
    output = io.StringIO()
    with Lines(console_of(output, terminal=False)) as lines:
        for report in REPORTS:
            lines(*report)
    assert output.getvalue().splitlines() == [
        "fetching ears:tiny model.bin, 1.0 MB, 400.0 kB of it here already",
        "fetching ears:tiny config.json, 20 bytes",
    ]


def test_a_terminal_gets_bars_that_end_full() -> None:
    output = io.StringIO()
    with Bars(console_of(output, terminal=True)) as bars:
        for report in REPORTS:
            bars(*report)
    shown = output.getvalue()
    assert "ears:tiny model.bin" in shown
    assert "1.0/1.0 MB" in shown
    assert "20/20 bytes" in shown


def test_every_model_is_listed_with_its_terms(catalogue: Catalogue, tmp_path: Path) -> None:
    store = Store(tmp_path / "models", our_catalogue())
    found = {model: store.examine(model) for model in store.catalogue.models}
    output = io.StringIO()
    console_of(output, terminal=False).print(models_table(store.catalogue, found))
    lines = output.getvalue().splitlines()
    assert len(lines) == 1 + len(found)
    assert max(map(len, lines)) <= 80
    (local,) = (line for line in lines if line.startswith("kokoro:v1.0 "))
    assert local.split() == "kokoro:v1.0 tts 353.7 MB Apache-2.0 en +5 missing local".split()
    (other,) = (line for line in lines if line.startswith("faster_whisper:tiny.en"))
    assert other.split() == "faster_whisper:tiny.en stt 78.1 MB MIT en missing".split()


def test_a_plan_tells_sizes_licences_and_sources(catalogue: Catalogue, tmp_path: Path) -> None:
    output = io.StringIO()
    (model,) = catalogue.models
    console_of(output, terminal=False).print(plan_table({model: 1_500_000}))
    heading, row = output.getvalue().splitlines()
    assert heading.split() == ["Model", "To", "download", "Licence", "From"]
    assert row.split() == ["ears:tiny", "1.5", "MB", "MIT", "makers/tiny"]


def test_a_state_reads_as_a_word() -> None:
    assert f"{State.BROKEN}" == "broken"
