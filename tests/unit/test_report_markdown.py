from __future__ import annotations

from evals.ear.results import Results
from evals.report.markdown import render_markdown
from tests.fakes.report_rows import turn


def test_the_tables_hold_what_the_page_holds() -> None:
    rows = [
        *[turn(response_s=0.5)] * 30,
        turn(system="pipecat", patience="default", response_s=0.9),
    ]
    text = render_markdown(Results(when="", conditions={}, systems={}, rows=rows), None)
    assert "| 1 | response, synthetic voices, p50 | ≤ 0.400 s | 0.500 s | 30 | NOT MET |" in text
    assert "| 15 | VAD, average precision | ≥ 0.98 |  | 0 | NOT MEASURED |" in text
    assert "| set | figure | parley | pipecat |" in text
    assert "| plain | response | 0.50 / 0.50 (n 30) | 0.90 / 0.90 (n 1) |" in text


def test_the_stages_of_plain_turns_stand_side_by_side_where_there_are_records() -> None:
    rows = [
        turn(response_s=0.4, stage_s={"eot": 0.2, "playout": 0.3}),
        turn(patience="patient", response_s=0.9, stage_s={"playout": 0.8}),
        turn(system="pipecat", patience="default", response_s=0.9),
    ]
    text = render_markdown(Results(when="", conditions={}, systems={}, rows=rows), None)
    last = text.strip().split("\n\n")[-1].splitlines()
    assert last[0] == "| stage, p50 / p95 after the end of speech | parley | parley, patient |"
    assert last[2] == "| eot | 0.200 / 0.200 s (n 1) |  |"
    assert last[3] == "| playout | 0.300 / 0.300 s (n 1) | 0.800 / 0.800 s (n 1) |"


def test_every_line_of_a_table_has_as_many_cells() -> None:
    text = render_markdown(Results(when="", conditions={}, systems={}, rows=[turn()]), None)
    for table in text.strip().split("\n\n"):
        assert len({line.count("|") for line in table.splitlines()}) == 1
