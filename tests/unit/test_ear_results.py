from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from evals.ear.recording import Event, Lane, Recording
from evals.ear.results import EventResult, ResultsError, Row, draw_timeline, read_results

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
        timeline=draw_timeline(recording(), RESULT),
    )


def recording() -> Recording:
    silent = np.zeros(10 * RATE_HZ, dtype=np.int16)
    loud = silent.copy()
    loud[2 * RATE_HZ : 4 * RATE_HZ] = 16384
    return Recording(
        caller=Lane(samples=loud, rate_hz=RATE_HZ, start_s=0.0),
        agent=Lane(samples=silent[RATE_HZ:], rate_hz=RATE_HZ, start_s=3.0),
        events=(EVENT,),
    )


def written(folder: Path, content: object) -> Path:
    path = folder / "results.json"
    path.write_text(json.dumps(content))
    return path


def test_a_row_comes_back_from_json_as_it_was(tmp_path: Path) -> None:
    content = {
        "version": 1,
        "when": "2026-11-24",
        "conditions": {"cores": 2},
        "systems": {"parley": {}},
        "results": [row().to_dict()],
    }
    results = read_results(written(tmp_path, content))
    assert results.rows == [row()]
    assert results.conditions == {"cores": 2}


def test_a_row_is_one_flat_object() -> None:
    fields = row().to_dict()
    assert fields["outcome"] == "answered"
    assert fields["quality"] == {"gaps": 1, "clicks": 2}
    assert fields["event"]["utterance"] == "u-1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"version": 7}, "has version 7"),
        ({"version": 1}, "is no file of results"),
        ([], "is no file of results"),
        ({"version": 1, "when": "", "conditions": {}, "systems": {}, "results": [{}]}, "no file"),
    ],
)
def test_another_file_is_refused_in_one_sentence(
    tmp_path: Path, content: object, message: str
) -> None:
    with pytest.raises(ResultsError, match=message):
        read_results(written(tmp_path, content))


def test_a_file_that_is_not_there_or_not_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="cannot be read"):
        read_results(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ResultsError, match="cannot be read"):
        read_results(tmp_path / "broken.json")


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
