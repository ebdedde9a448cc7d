"""A whole step of a load measurement, and a whole soak, both as short as they can be."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console
from rich.progress import Progress

from evals.load import calls, redis_load, soak
from evals.load.results import read, write
from tests.stack.processes import LiveKit


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


@pytest.mark.timeout(240)
def test_the_number_of_calls_that_is_proposed_comes_from_calls_that_were_made(
    livekit: LiveKit, tmp_path: Path
) -> None:
    others = {k: v for k, v in os.environ.items() if not k.startswith(("AGENT_", "LIVEKIT_"))}
    own = {"AGENT_PROFILE": "simulated", "AGENT_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "agent", "tune", "--calls"],
        cwd=tmp_path,
        env=others | livekit.environment | own,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = " ".join(done.stdout.split())
    assert int(re.findall(r"AGENT_MAX_SESSIONS=(\d+)", told)[0]) >= 1
    answers = [int(count) for count in re.findall(r"\((\d+) answers", told)]
    assert len(answers) == 2 and min(answers) >= 2, told
