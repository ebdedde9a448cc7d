from __future__ import annotations

import subprocess
import sys

import pytest
from prometheus_client import REGISTRY

from agent import metrics
from agent.turn_record import Outcome, Speculated, TurnRecord

ENGINES = {"turn": "m-turn", "stt": "m-stt", "llm": "m-llm", "tts": "m-tts"}


def spoken(**values: object) -> TurnRecord:
    content = {
        "call": "room", "turn": 1, "engines": ENGINES, "speech_start_s": -1.0, "eot_s": 0.4, "stt_final_s": 0.2, "llm_first_s": 0.5,
        "clause_s": 0.55, "tts_first_s": 0.6, "playout_s": 0.62,
    }  # fmt: skip
    return TurnRecord(**{**content, **values})  # type: ignore[arg-type]


def stage(name: str, engine: str, part: str = "sum") -> float:
    labels = {"stage": name, "engine": engine}
    return REGISTRY.get_sample_value(f"parley_turn_stage_seconds_{part}", labels) or 0.0


def response(profile: str, part: str = "sum") -> float:
    labels = {"profile": profile}
    return REGISTRY.get_sample_value(f"parley_turn_response_seconds_{part}", labels) or 0.0


def counter(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_each_stage_is_counted_under_the_engine_that_did_it() -> None:
    metrics.observe_response(spoken(), "m-profile")
    assert stage("end_of_turn", "m-turn") == pytest.approx(0.4)
    assert stage("stt_final", "m-stt") == pytest.approx(0.2)
    assert stage("llm_first_token", "m-llm") == pytest.approx(0.5)
    assert stage("first_clause", "m-llm") == pytest.approx(0.55)
    assert stage("tts_first_audio", "m-tts") == pytest.approx(0.6)
    assert response("m-profile") == pytest.approx(0.62)
    assert response("m-profile", "count") == 1


def test_a_stage_that_was_ready_before_the_end_of_speech_counts_as_zero() -> None:
    engines = {**ENGINES, "stt": "m-early"}
    metrics.observe_response(spoken(stt_final_s=-0.3, engines=engines), "m-early")
    assert stage("stt_final", "m-early", "count") == 1
    assert stage("stt_final", "m-early") == 0.0


def test_a_stage_that_is_not_known_is_not_counted() -> None:
    engines = {**ENGINES, "tts": "m-unknown"}
    metrics.observe_response(spoken(tts_first_s=None, playout_s=None, engines=engines), "m-none")
    assert stage("tts_first_audio", "m-unknown", "count") == 0
    assert response("m-none", "count") == 0


def test_an_engine_without_a_name_is_counted_as_none() -> None:
    before = stage("end_of_turn", "none", "count")
    metrics.observe_response(spoken(engines={}), "m-nameless")
    assert stage("end_of_turn", "none", "count") == before + 1


def test_a_typed_turn_has_no_latency() -> None:
    engines = dict.fromkeys(ENGINES, "m-typed")
    metrics.observe_response(spoken(speech_start_s=None, engines=engines), "m-typed")
    assert stage("llm_first_token", "m-typed", "count") == 0
    assert response("m-typed", "count") == 0


@pytest.mark.parametrize("outcome", ["answered", "interrupted", "ignored", "failed"])
def test_a_turn_is_counted_by_how_it_ended(outcome: Outcome) -> None:
    before = counter("parley_turns_total", outcome=outcome)
    metrics.observe_outcome(spoken(outcome=outcome))
    assert counter("parley_turns_total", outcome=outcome) == before + 1


@pytest.mark.parametrize(
    ("speculated", "adopted", "dropped"),
    [("adopted", 1, 0), ("dropped", 0, 1), ("none", 0, 0), (None, 0, 0)],
)
def test_only_speculations_are_counted_as_such(
    speculated: Speculated | None, adopted: int, dropped: int
) -> None:
    def counts() -> list[float]:
        name = "parley_speculations_total"
        return [counter(name, result="adopted"), counter(name, result="dropped")]

    before = counts()
    metrics.observe_outcome(spoken(outcome="answered", speculated=speculated))
    gained = [after - old for after, old in zip(counts(), before, strict=True)]
    assert gained == [adopted, dropped]


def test_counts_are_there_before_the_first_event() -> None:
    code = "from prometheus_client import generate_latest; import agent.metrics; print(generate_latest().decode())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert 'parley_turns_total{outcome="failed"} 0.0' in done.stdout
    assert 'parley_steps_total{direction="down",stage="tts"} 0.0' in done.stdout
    assert 'parley_overlaps_total{decision="yield"} 0.0' in done.stdout
    assert "parley_worker_full 0.0" in done.stdout


def test_becoming_full_counts_once_however_often_it_is_told() -> None:
    def counts() -> list[float]:
        name = "parley_worker_transitions_total"
        return [counter(name, to="full"), counter(name, to="available")]

    metrics.observe_full(is_full=False)
    before = counts()
    told = (False, True, True, False, False, True)
    for is_full in told:
        metrics.observe_full(is_full=is_full)
        assert REGISTRY.get_sample_value("parley_worker_full") == is_full
    metrics.observe_full(is_full=False)
    assert [after - old for after, old in zip(counts(), before, strict=True)] == [2, 2]
