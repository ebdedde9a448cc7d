"""The measurement of VADs, on a recording that the test makes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evals import vad
from evals.ear.vad_figures import VadComparison, read_vad_figures
from tests.contract.vad_checks import AFTER_S, BEFORE_S, SPOKEN, sentence
from tests.stack.speech import write_wav


def recording(folder: Path, name: str = "one") -> None:
    """A sentence of flite in a quiet room, and where it is."""
    pcm = sentence(SPOKEN, vad.RATE_HZ)
    samples = np.frombuffer(pcm, dtype=np.int16)
    write_wav(folder / f"{name}.wav", samples, vad.RATE_HZ)
    end_s = len(samples) / vad.RATE_HZ
    labels = f"{name},0,{BEFORE_S},0,{BEFORE_S},{end_s - AFTER_S},1,{end_s - AFTER_S},{end_s},0"
    (folder / f"{name}.scv").write_text(labels)


def test_every_vad_is_measured_and_the_products_own_in_a_file_of_its_own(tmp_path: Path) -> None:
    recording(tmp_path)
    rows = vad.measure(tmp_path, tmp_path / "out" / "vad.json")
    assert [row.name for row in rows][:2] == ["silero", "ten_vad"]
    assert len(rows) == 6
    figures = read_vad_figures(tmp_path / "out" / "vad.json")
    assert figures is not None and figures.recordings == 1
    assert figures.average_precision == rows[0].average_precision
    written = json.loads((tmp_path / "out" / "vads.json").read_text())
    assert [row["name"] for row in written] == [row.name for row in rows]


def test_a_clear_sentence_is_told_from_the_room_by_all(tmp_path: Path) -> None:
    recording(tmp_path)
    for row in vad.measure(tmp_path, tmp_path / "vad.json"):
        assert row.auc > 0.9, row
        assert row.average_precision > 0.8, row
        assert (row.start.found, row.start.missed) == (1, 0), row
        assert row.start.p50_s is not None and -0.1 < row.start.p50_s < 0.3, row
        _check_cost(row)


def _check_cost(row: VadComparison) -> None:
    assert 0 < row.p50_us <= row.p95_us
    assert row.us_per_s == pytest.approx(row.p50_us * 1000 / row.window_ms, rel=0.01)


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(vad.VadDataError, match="holds no"):
        vad.measure(tmp_path, tmp_path / "vad.json")
