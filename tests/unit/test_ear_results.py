from __future__ import annotations

import base64
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from evals.ear.recording import Event, Lane, Recording
from evals.ear.results import (
    TIMELINES,
    VERSION,
    EventResult,
    ResultsError,
    Row,
    Timeline,
    draw_timeline,
    read_results,
)
from evals.ear.systems import SYSTEMS

EVENT = Event(
    kind="turn",
    utterance="u-1",
    text="my number is five",
    voice="slt",
    start_s=2.0,
    end_s=4.0,
    pauses_s=((2.5, 3.0),),
    tags=("number",),
)
RESULT = EventResult(event=EVENT, outcome="answered", response_s=0.4, stage_s={"eot": 0.1})
RATE_HZ = 24_000


def row() -> Row:
    return Row(
        system="parley",
        patience="normal",
        set="pauses",
        split="test",
        call="pauses-03",
        result=RESULT,
        gaps=1,
        clicks=2,
        microphone_lateness_p99_s=0.002,
        timeline=drawn(),
    )


def drawn() -> Timeline:
    return draw_timeline(recording(), RESULT)


def recording() -> Recording:
    silent = np.zeros(10 * RATE_HZ, dtype=np.int16)
    loud = silent.copy()
    loud[2 * RATE_HZ : 4 * RATE_HZ] = 16384
    return Recording(
        caller=Lane(samples=loud, rate_hz=RATE_HZ, start_s=0.0),
        agent=Lane(samples=silent[RATE_HZ:], rate_hz=RATE_HZ, start_s=3.0),
        events=(EVENT,),
    )


def written(folder: Path, content: object, name: str = "pauses") -> Path:
    """The folder, with one file more."""
    (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def of(*rows: Row, system: str = "parley") -> dict[str, object]:
    return {
        "version": VERSION,
        "when": "2026-11-24",
        "conditions": {"cores": 2, "sets": {rows[0].set: {}}},
        "systems": {system: {}},
        "results": [row.to_dict() for row in rows],
    }


def test_a_row_comes_back_from_json_as_it_was_but_for_its_timeline(tmp_path: Path) -> None:
    results = read_results(written(tmp_path, of(row())))
    assert results.rows == [replace(row(), timeline=None)]
    assert results.conditions["cores"] == 2


def test_timelines_come_from_a_file_of_their_own_the_last_of_a_row_counts(tmp_path: Path) -> None:
    folder = written(tmp_path, of(row(), row()))
    wrong = asdict(replace(drawn(), start_s=99.0))
    lines = [["pauses", 1, wrong], ["plain", 0, wrong], ["pauses", 1, asdict(drawn())]]
    (folder / TIMELINES).write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert [row.timeline for row in read_results(folder).rows] == [None, drawn()]


def test_the_sets_of_a_run_are_read_together(tmp_path: Path) -> None:
    written(tmp_path, of(row(), system="pipecat"))
    results = read_results(written(tmp_path, of(replace(row(), set="plain")), "plain"))
    assert [row.set for row in results.rows] == ["plain", "pauses"]
    assert results.systems.keys() == {"parley", "pipecat"}
    assert results.conditions["sets"].keys() == {"plain", "pauses"}


def test_times_are_written_to_a_tenth_of_a_millisecond() -> None:
    fields = replace(row(), result=replace(RESULT, response_s=0.4000123)).to_dict()
    assert fields["response_s"] == 0.4


def test_a_row_is_one_flat_object() -> None:
    fields = row().to_dict()
    assert fields["outcome"] == "answered"
    assert fields["quality"] == {"gaps": 1, "clicks": 2}
    assert fields["event"]["utterance"] == "u-1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"version": 7}, "has version 7"),
        ({"version": VERSION}, "is no file of results"),
        ([], "is no file of results"),
        (
            {"version": VERSION, "when": "", "conditions": {}, "systems": {}, "results": [{}]},
            "no file",
        ),
    ],
)
def test_another_file_is_refused_in_one_sentence(
    tmp_path: Path, content: object, message: str
) -> None:
    with pytest.raises(ResultsError, match=message):
        read_results(written(tmp_path, content))


def test_a_folder_without_results_or_with_broken_ones_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="holds no results"):
        read_results(tmp_path)
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ResultsError, match="cannot be read"):
        read_results(tmp_path)


def test_a_timeline_shows_both_lanes_from_before_the_event_until_after_the_answer() -> None:
    timeline = draw_timeline(recording(), RESULT)
    caller, agent = (
        np.frombuffer(base64.b64decode(lane), dtype=np.uint8)
        for lane in (timeline.caller, timeline.agent)
    )
    assert timeline.start_s == pytest.approx(1.5)
    assert len(caller) == len(agent) == round((4.4 + 2.0 - 1.5) / timeline.step_s)
    loud = np.flatnonzero(caller > 60) * timeline.step_s + timeline.start_s
    assert (loud[0], loud[-1]) == (pytest.approx(2.0), pytest.approx(3.98))
    assert caller.max() == 94  # -6 dBFS
    assert agent.max() < 20


def test_settings_in_results_name_no_folder_of_the_machine() -> None:
    environment = {"AGENT_STT": "whisper:/home/me/tiny", "AGENT_LLM": "llama_cpp:http://h:80/v1/x"}
    settings = replace(SYSTEMS["parley"], environment=environment).settings
    assert (settings["AGENT_STT"], settings["AGENT_LLM"]) == (
        "whisper:tiny",
        environment["AGENT_LLM"],
    )
