from __future__ import annotations

import json
import re
from typing import Any

import pytest

from evals.ear.results import Results, Row
from evals.ear.vad_figures import VadFigures
from evals.report.page import render
from tests.fakes.report_rows import TIMELINE, cut_off, turn

VAD = VadFigures(
    recordings=1,
    windows=900,
    speech_share=0.5,
    average_precision=0.97,
    p50_us=20.0,
    p95_us=30.0,
    p50_with_hop_us=90.0,
)


def page(*rows: Row, vad: VadFigures | None = None, **conditions: Any) -> str:
    return render(Results(when="2026-11-25", conditions=conditions, systems={}, rows=rows), vad)


def cells(html: str, start: str) -> list[str]:
    """The texts of the table row that has a cell beginning with `start`."""
    for line in re.findall(r"<tr>(.*?)</tr>", html):
        texts = [re.sub("<.*?>", "", cell) for cell in re.findall(r"<td.*?>(.*?)</td>", line)]
        if any(text.startswith(start) for text in texts):
            return texts
    raise AssertionError(f"no row has {start!r}")


def timelines(html: str) -> list[dict[str, Any]]:
    found = re.search(r'id="timelines">(.*?)</script>', html)
    assert found
    drawn: list[dict[str, Any]] = json.loads(found[1])
    return drawn


def test_the_page_needs_nothing_from_elsewhere() -> None:
    html = page(turn(response_s=0.4, timeline=TIMELINE))
    assert not re.search(r"(src|href)=|@import|url\(|https?://", html)


@pytest.mark.parametrize(
    ("response_s", "state"), [(0.38, "met"), (0.5, "NOT MET"), (None, "NOT MEASURED")]
)
def test_a_target_is_met_or_not_or_not_measured(response_s: float | None, state: str) -> None:
    rows = [] if response_s is None else [turn(response_s=response_s)] * 30
    found = cells(page(*rows), "response, synthetic voices, p50")
    assert found[-1] == state
    assert found[2] == "≤ 0.400 s"


def test_a_run_with_few_events_claims_no_target() -> None:
    found = cells(page(turn(response_s=0.3)), "response, synthetic voices, p50")
    assert found[-3:] == ["0.300 s", "1", "no claim: n &lt; 30"]


def test_the_vad_is_not_measured_without_its_recordings() -> None:
    assert cells(page(), "VAD, average precision")[-1] == "NOT MEASURED"
    assert cells(page(vad=VAD), "VAD, average precision")[-3:] == ["0.97", "900", "NOT MET"]
    assert cells(page(vad=VAD), "VAD, each window")[-3:] == ["20 µs", "900", "met"]


def test_the_records_agreement_needs_the_path() -> None:
    recorded = [turn(response_s=0.44, stage_s={"playout": 0.30})] * 30
    rows = [*recorded, turn(response_s=0.5)]
    what = "the product&#x27;s own record"
    assert cells(page(*rows), what)[-1] == "NOT MEASURED"
    html = page(*rows, path={"p50_s": 0.1, "p95_s": 0.1, "n": 30, "how": "beeps"})
    assert cells(html, what)[-3:] == ["0.040 s", "30", "met"]
    check = html[html.index("Record against ear") :]
    assert cells(check, "parley")[1:] == [
        *("30", "1", "0.140 s / 0.140 s"),
        *("0.100 s", "0.040 s", "0.040 s"),
    ]


def test_systems_stand_side_by_side_with_n_and_what_failed() -> None:
    rows = [
        turn(response_s=0.4),
        turn(outcome="unanswered"),
        turn(outcome="unmeasured"),
        turn(system="stock_vad", patience="default", response_s=0.8),
    ]
    found = cells(page(*rows), "0.40 / 0.40")
    assert found[2:] == ["0.40 / 0.40 (n 1, failed 1, 1 unmeasured)", "0.80 / 0.80 (n 1)"]


def test_the_figures_have_the_names_of_the_leaderboard() -> None:
    html = page(
        turn(response_s=0.4),
        turn(kind="interruption", outcome="yielded", stop_s=0.5),
        turn(kind="backchannel", outcome="survived"),
        turn(kind="cough", outcome="stopped"),
    )
    shown = {name: cells(html, name)[1] for name in ("L_R", "R_R", "L_Y", "R_Y", "S_BC", "S_ND")}
    assert shown == {
        "L_R": "0.40 / 0.40 (n 1)",
        "R_R": "100 % (1 of 1)",
        "L_Y": "0.50 / 0.50 (n 1)",
        "R_Y": "100 % (1 of 1)",
        "S_BC": "100 % (1 of 1)",
        "S_ND": "0 % (0 of 1)",
    }
    assert cells(html, "I_A")[1] == "0 % (0 of 2)"


def test_what_could_not_be_measured_is_told_with_its_reason() -> None:
    html = page(turn(outcome="unmeasured", why="the agent <was> not speaking"))
    assert "the agent &lt;was&gt; not speaking" in html


def test_a_timeline_counts_from_where_its_drawing_begins() -> None:
    row = cut_off(timeline=TIMELINE, onset_s=1.75, stage_s={"playout": 0.25, "speech_start": -2.0})
    [drawn] = timelines(page(row, turn()))
    assert (drawn["event"], drawn["pauses"], drawn["onset"]) == ([0.5, 2.5], [[1.0, 1.5]], 1.25)
    assert drawn["stages"] == {"playout": 2.75}
    assert drawn["caller"] == TIMELINE.caller


def test_what_somebody_said_cannot_end_the_script() -> None:
    html = page(turn(text="</script><b>", timeline=TIMELINE))
    assert timelines(html)[0]["text"] == "</script><b>"
    assert html.count("</script>") == 2


def test_the_conditions_are_told() -> None:
    html = page(turn(), cores=2, sets={"plain": {"band": "wide"}})
    assert cells(html, "cores") == ["cores", "2"]
    assert cells(html, "set plain") == ["set plain", "band wide"]
    assert cells(html, "path of the sound")[1] == "not measured"


def test_faults_are_told_of_each_system() -> None:
    row = {
        "trial": "stt refuse",
        "lost": 2,
        "extra_s": 0.41,
        "sentences_cut": 1,
        "doubled": 0,
        "tool_runs": 0,
        "has_ended": False,
        "is_answered": True,
        "torn": 0,
    }
    healthy = row | {"trial": "", "extra_s": None}
    other = row | {"trial": "llm <stall>", "extra_s": None, "is_answered": False}
    page = render(
        Results(when="2026-11-26", conditions={}, systems={}, rows=[]),
        None,
        {"rooms": {"parley": [healthy, row], "stock": [other]}},
    )
    assert "2 / 0.41 / 1 / 0" in page
    assert "llm &lt;stall&gt;" in page
    assert "2 / – / 1 / 0" in page


def test_without_faults_the_page_says_how_to_measure_them() -> None:
    assert "NOT MEASURED: <code>make chaos</code>" in page()
