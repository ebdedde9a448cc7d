from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from evals.ear.journal import Journal, JournalError
from evals.ear.one_call import CallReport
from evals.ear.recording import Event
from evals.ear.results import EventResult, Row, Timeline, read_results

FACTS = {"conditions": {"cores": 2, "sets": {}}, "systems": {"parley": {}}}
TIMELINE = Timeline(start_s=0.5, step_s=0.02, caller="AA==", agent="AA==")


def report(
    call: str, system: str = "parley", name: str = "plain", response_s: float = 0.5
) -> CallReport:
    where = {"system": system, "patience": "normal", "set": name, "split": "dev", "call": call}
    event = Event(kind="turn", utterance="u", text="hello", voice="slt", start_s=1.0, end_s=2.0)
    result = EventResult(event=event, outcome="answered", response_s=response_s)
    row = Row(**where, result=result, timeline=replace(TIMELINE, start_s=response_s))
    return CallReport(facts={**where, "failure": None}, rows=[row])


def test_after_every_call_the_files_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    journal = Journal.begin(folder, FACTS)
    for count in (1, 2, 3):
        journal.add(report(f"plain-{count}"))
        rows = read_results(folder).rows
        assert [row.call for row in rows] == [f"plain-{n}" for n in range(1, count + 1)]
    assert (rows[2].result.response_s, rows[2].timeline) == (0.5, TIMELINE)
    assert {path.name for path in folder.iterdir()} == {"plain.json", "timelines.jsonl"}


def test_each_set_has_a_file_with_the_conditions_in_it(tmp_path: Path) -> None:
    journal = Journal.begin(tmp_path, FACTS)
    journal.add(report("plain-1"))
    journal.add(report("pauses-1", name="pauses"))
    for name in ("plain", "pauses"):
        content = json.loads((tmp_path / f"{name}.json").read_text())
        assert (len(content["results"]), content["conditions"]["cores"]) == (1, 2)


def test_a_run_goes_on_where_it_was_left(tmp_path: Path) -> None:
    Journal.resume(tmp_path, FACTS).add(report("plain-1"))
    other = {"systems": {"pipecat": {}}, "conditions": {"cores": 64, "sets": {}}}
    again = Journal.resume(tmp_path, other)
    assert again.done == {("parley", "normal", "plain-1")}
    again.add(report("plain-1", "pipecat"))
    results = read_results(tmp_path)
    assert [row.system for row in results.rows] == ["parley", "pipecat"]
    assert [row.timeline for row in results.rows] == [TIMELINE, TIMELINE]
    assert results.systems.keys() == {"parley", "pipecat"}
    assert results.conditions["cores"] == 2


def test_a_call_that_was_ended_early_for_a_smaller_n_is_made_again(tmp_path: Path) -> None:
    journal = Journal.begin(tmp_path, FACTS)
    for name in ("plain-1", "plain-2", "plain-3"):
        journal.add(report(name, response_s=float(name[-1])))
    journal.add(report("pauses-1", name="pauses"))
    sizes = {("parley", "normal", "plain-1"): 1, ("parley", "normal", "plain-2"): 6}
    again = Journal.resume(tmp_path, FACTS, sizes)
    assert {call for _, _, call in again.done} == {"plain-1", "plain-3", "pauses-1"}
    again.add(report("plain-2", response_s=2.0))
    rows = [row for row in read_results(tmp_path).rows if row.set == "plain"]
    assert [row.result.response_s for row in rows] == [1.0, 3.0, 2.0]
    assert [row.timeline and row.timeline.start_s for row in rows] == [1.0, 3.0, 2.0]


def test_results_are_not_overwritten_by_mistake(tmp_path: Path) -> None:
    Journal.begin(tmp_path, FACTS).add(report("plain-1"))
    with pytest.raises(JournalError, match="--resume"):
        Journal.begin(tmp_path, FACTS)


def test_a_new_run_does_not_take_over_the_timelines_of_one_that_was_deleted(tmp_path: Path) -> None:
    Journal.begin(tmp_path, FACTS).add(report("plain-1"))
    (tmp_path / "plain.json").unlink()
    Journal.begin(tmp_path, FACTS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "[]", '{"version": 7}', json.dumps({"turns": 3})])
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "plain.json"
    path.write_text(content)
    with pytest.raises(JournalError, match="is no file of a run"):
        Journal.resume(tmp_path, FACTS)
    assert path.read_text() == content
