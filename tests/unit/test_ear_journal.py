from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.ear.journal import Journal, JournalError
from evals.ear.one_call import CallReport
from evals.ear.recording import Event
from evals.ear.results import EventResult, Row, read_results

FACTS = {"when": "2026-01-01", "conditions": {"cores": 2}, "systems": {"parley": {}}}


def report(call: str, system: str = "parley") -> CallReport:
    where = {"system": system, "patience": "normal", "set": "plain", "split": "dev", "call": call}
    event = Event(kind="turn", utterance="u", text="hello", voice="slt", start_s=1.0, end_s=2.0)
    result = EventResult(event=event, outcome="answered", response_s=0.5)
    return CallReport(facts={**where, "failure": None}, rows=[Row(**where, result=result)])


def test_after_every_call_the_file_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "results.json"
    journal = Journal.begin(path, FACTS)
    for count in (1, 2, 3):
        journal.add(report(f"plain-{count}"))
        rows = read_results(path).rows
        assert [row.call for row in rows] == [f"plain-{n}" for n in range(1, count + 1)]
    assert rows[0].result.response_s == 0.5
    assert list(path.parent.iterdir()) == [path]


def test_a_run_goes_on_where_it_was_left(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    Journal.resume(path, FACTS).add(report("plain-1"))
    other = FACTS | {"systems": {"pipecat": {}}, "conditions": {"cores": 64}}
    again = Journal.resume(path, other)
    assert again.done == {("parley", "normal", "plain-1")}
    again.add(report("plain-1", "pipecat"))
    results = read_results(path)
    assert [row.system for row in results.rows] == ["parley", "pipecat"]
    assert results.systems.keys() == {"parley", "pipecat"}
    assert results.conditions == {"cores": 2}


def test_results_are_not_overwritten_by_mistake(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    Journal.begin(path, FACTS).add(report("plain-1"))
    with pytest.raises(JournalError, match="--resume"):
        Journal.begin(path, FACTS)


@pytest.mark.parametrize("content", ["", "[]", '{"version": 7}', json.dumps({"turns": 3})])
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(content)
    with pytest.raises(JournalError, match="is no file of a run"):
        Journal.resume(path, FACTS)
    assert path.read_text() == content
