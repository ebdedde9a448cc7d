"""A whole step of a load measurement, and a whole soak, both as short as they can be."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console
from rich.progress import Progress

from evals.load import calls, redis_load, soak
from evals.load.results import read, write


@pytest.fixture
def progress() -> Progress:
    return Progress(console=Console(quiet=True))


def measured(options: calls.Options, progress: Progress) -> dict[str, Any]:
    """What the file says afterwards."""
    calls.measure(options, progress)
    parley: dict[str, Any] = read(options.output / calls.FILE)["systems"]["parley"]
    return parley


def test_a_step_and_what_it_cost_are_kept_and_not_measured_twice(
    tmp_path: Path, progress: Progress
) -> None:
    options = calls.Options(names=("parley",), output=tmp_path, turns=2, most=1)
    parley = measured(options, progress)
    (step,) = parley["steps"]
    assert (step["calls"], step["turns"], step["failed_calls"]) == (1, 2, [])
    assert step["cores"]["agent"] > 0 and step["cores"]["callers"] > 0
    assert step["memory_mb"] > parley["idle_mb"] > 50
    kept = step | {"late_p99_s": 0.001, "broken": ""}  # whatever else this machine does
    content = read(tmp_path / calls.FILE)
    content["systems"]["parley"]["steps"] = [kept]
    write(tmp_path / calls.FILE, content)
    assert measured(dataclasses.replace(options, resume=True), progress)["steps"] == [kept]


def test_a_soak_counts_its_calls_and_leaves_nothing_behind(
    tmp_path: Path, progress: Progress
) -> None:
    before = set(psutil.Process().children(recursive=True))
    options = soak.Options(name="parley", output=tmp_path, minutes=0.3, calls=4, idle_s=5.0)
    report = soak.measure(options, progress)
    assert (report["calls"], report["failed_calls"], report["is_whole"]) == (4, [], True)
    assert report["after"]["rooms"] == 0
    assert report["after"]["processes"] <= report["before"]["processes"]
    assert len(report["samples"]["at_s"]) >= 2
    assert set(psutil.Process().children(recursive=True)) <= before


def test_redis_is_told_more_while_calls_begin_than_in_quiet() -> None:
    figures = redis_load.measure(calls=1, look_s=2.0)
    assert figures["commands_to_begin_a_call"] > 5
    assert figures["commands_to_end_a_call"] > 0
    assert figures["publishes_per_s_at_most"] > 1000
