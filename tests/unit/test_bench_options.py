from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evals.bench import Options, choose_all, facts, parse_options, plan
from evals.ear.one_call import Job


def options(**values: Any) -> Options:
    names = values.pop("systems", ("parley", "stock_v1_mini", "pipecat"))
    given: dict[str, Any] = {"sets": ("plain", "pauses"), "output": Path("out"), **values}
    return Options(systems=choose_all(names, ["normal"]), **given)


def events(jobs: list[Job], system: str, name: str) -> int:
    return sum(
        len(job.call.steps) for job in jobs if (job.system.name, job.call.set) == (system, name)
    )


def test_every_system_gets_the_same_calls_and_the_baselines_fewer_of_them() -> None:
    jobs = plan(options(n=20, baseline_n=12), "ws://server")
    assert events(jobs, "parley", "plain") == events(jobs, "parley", "pauses") == 20
    assert events(jobs, "stock_v1_mini", "plain") == events(jobs, "pipecat", "plain") == 12
    ours = {job.call for job in jobs if job.system.name == "parley"}
    assert {job.call for job in jobs if job.system.name == "pipecat"} <= ours


def test_no_call_is_made_twice_and_no_system_is_always_first() -> None:
    jobs = plan(options(n=18, baseline_n=18), "ws://server")
    assert max(Counter(job.key for job in jobs).values()) == 1
    firsts = {jobs[index].system.name for index in range(0, len(jobs), 3)}
    assert firsts == {"parley", "stock_v1_mini", "pipecat"}


def test_only_parley_is_called_with_several_kinds_of_patience() -> None:
    systems = choose_all(["parley", "stock_vad"], ["eager", "patient"])
    labels = [system.label for system in systems]
    assert labels == ["parley-eager", "parley-patient", "stock_vad-default"]


def test_calls_in_which_times_count_are_made_one_by_one_unless_asked_otherwise() -> None:
    conditions = facts(options(parallel=3, sets=("plain", "noise")), {})["conditions"]
    assert conditions["parallel"] == {"plain": 1, "noise": 3}
    asked = options(timed_parallel=2, sets=("plain", "noise"))
    assert facts(asked, {})["conditions"]["parallel"] == {"plain": 2, "noise": 1}


def test_the_versions_that_are_compared_are_told() -> None:
    told = facts(options(), {"p50_s": 0.1})["conditions"]
    assert {"livekit-agents", "pipecat-ai"} <= told["versions"].keys()
    assert told["path"] == {"p50_s": 0.1}


def test_options_on_the_command_line() -> None:
    given = ["--systems", "parley,pipecat", "--sets", "all", "--patience", "eager", "--n", "7"]
    parsed = parse_options([*given, "--output", "out"])
    assert [system.label for system in parsed.systems] == ["parley-eager", "pipecat-default"]
    assert (len(parsed.sets), parsed.n, parsed.baseline_n, parsed.split) == (11, 7, 7, "dev")


OWN = """
- name: own-1
  set: own
  conditions: {loss: 0.02}
  steps: [{utterance: {id: u, text: hello, voice: slt}}]
- name: own-2
  set: plain
  steps: [{utterance: {id: u, text: hello again, voice: slt}}]
"""


def test_calls_of_ones_own_are_made_once_with_every_system(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(OWN)
    given = ["--systems", "parley,stock_vad", "--calls", str(file), "--output", "out"]
    parsed = parse_options(given)
    keys = [job.key for job in plan(parsed, "ws://server")]
    assert sorted(keys) == [
        ("parley", "normal", "own-1"),
        ("parley", "normal", "own-2"),
        ("stock_vad", "default", "own-1"),
        ("stock_vad", "default", "own-2"),
    ]
    conditions = facts(parsed, {})["conditions"]
    assert conditions["sets"]["own-1"]["loss"] == 0.02
    assert conditions["parallel"] == {"own": 1, "plain": 1}


@pytest.mark.parametrize(
    "wrong",
    [
        ["--calls", "missing.yaml"],
        ["--systems", "vapi"],
        ["--n", "0"],
        ["--patience", "saintly"],
        ["--sets", "x"],
    ],
)
def test_what_cannot_be_measured_is_refused(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_options([*wrong, "--output", "out"])
    assert wrong[0] in capsys.readouterr().err
