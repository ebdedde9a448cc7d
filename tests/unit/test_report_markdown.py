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


def test_every_line_of_a_table_has_as_many_cells() -> None:
    text = render_markdown(Results(when="", conditions={}, systems={}, rows=[turn()]), None)
    for table in text.strip().split("\n\n"):
        assert len({line.count("|") for line in table.splitlines()}) == 1
