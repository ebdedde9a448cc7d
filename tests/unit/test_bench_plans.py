"""What `make evals` and `make evals-full` call, and what becomes of a run that was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evals.bench import Options, choose_all, plan
from evals.ear.journal import JournalError
from evals.ear.results import Results
from evals.plans import PLANS, carry_out, measure_vad
from evals.report.write import write_report


class Bench:
    """Instead of the bench: leaves a file for each set, and stops in a given part."""

    def __init__(self, stops_at: int | None = None) -> None:
        self.parts: list[Options] = []
        self._stops_at = stops_at

    def run(self, options: Options) -> None:
        if len(self.parts) == self._stops_at:
            raise KeyboardInterrupt
        self.parts.append(options)
        options.output.mkdir(exist_ok=True)
        for name in options.sets:
            (options.output / f"{name}.json").touch()


def test_the_parts_of_a_plan_go_into_one_folder(tmp_path: Path) -> None:
    bench = Bench()
    folder = carry_out("full", split="dev", resume=False, results=tmp_path, measure=bench.run)
    assert folder == tmp_path / "full"
    assert [part.output for part in bench.parts] == [folder] * len(PLANS["full"])
    assert [part.resume for part in bench.parts] == [False] + [True] * (len(PLANS["full"]) - 1)
    assert {part.split for part in bench.parts} == {"dev"}


def test_a_run_that_was_stopped_is_gone_on_with_and_not_thrown_away(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        carry_out("full", split="dev", resume=False, results=tmp_path, measure=Bench(1).run)
    with pytest.raises(JournalError, match="RESUME=1"):
        carry_out("full", split="dev", resume=False, results=tmp_path, measure=Bench().run)
    bench = Bench()
    carry_out("full", split="dev", resume=True, results=tmp_path, measure=bench.run)
    assert all(part.resume for part in bench.parts)


def test_a_finished_run_makes_room_for_the_next(tmp_path: Path) -> None:
    folder = carry_out("full", split="dev", resume=False, results=tmp_path, measure=Bench().run)
    (folder / "old.json").touch()
    carry_out("full", split="dev", resume=False, results=tmp_path, measure=Bench().run)
    assert not (folder / "old.json").exists()


@pytest.mark.parametrize("recordings", [None, "an empty folder"])
def test_without_recordings_with_labels_the_report_takes_no_older_figures_of_the_vad(
    recordings: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = tmp_path / "vad.json"
    figures.write_text("of another day")
    monkeypatch.delenv("PARLEY_VAD_DATA", raising=False)
    if recordings:
        (tmp_path / recordings).mkdir()
        monkeypatch.setenv("PARLEY_VAD_DATA", str(tmp_path / recordings))
    measured = measure_vad(figures)
    assert measured is None
    page = tmp_path / "report.html"
    nothing = Results(when="", conditions={}, systems={}, rows=[])
    write_report(nothing, page, vad_figures=measured)
    assert "NOT MEASURED" in page.read_text()


def test_the_full_plan_has_what_the_targets_need() -> None:
    main = PLANS["full"][0]
    assert main.n >= 100 and main.baseline_n >= 30
    assert {"stock_v1_mini", "stock_vad", "pipecat"} <= set(main.systems)
    kinds = {patience for part in PLANS["full"] for patience in part.patience}
    assert kinds == {"eager", "normal", "patient"}
    assert any("parley_embedded" in part.systems for part in PLANS["full"])


def test_the_quick_plan_is_ours_and_stock_with_four_sets() -> None:
    [part] = PLANS["quick"]
    assert part.systems == ("parley", "stock_v1_mini")
    assert len(part.sets) == 4 and part.n >= 10 and part.baseline_n >= 10


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("split", ["dev", "test"])
def test_there_are_sentences_enough_for_every_plan(name: str, split: Any) -> None:
    for part in PLANS[name]:
        wanted = Options(
            systems=choose_all(part.systems, part.patience),
            sets=part.sets,
            output=Path("out"),
            split=split,
            n=part.n,
            baseline_n=part.baseline_n,
        )
        assert plan(wanted, "")
