"""The steps of a call that is late, on its real chains and clauses."""

from __future__ import annotations

import logging

import pytest
from livekit.plugins.chains import ChainLLM, ChainTTS
from prometheus_client import REGISTRY

from agent.config import Settings
from agent.dispatch import CallOptions
from agent.engines import Loaded, Pipeline, build
from agent.profiles import choose
from agent.thrift import Thrift
from agent.turn_record import TurnRecord
from agent.turns.economy import WINDOW


def pipeline_of(**engines: str) -> Pipeline:
    settings = Settings.model_validate({"agent_profile": "simulated", **engines})
    return build(settings, choose(settings), CallOptions(), Loaded())


def turn(*, llm_s: float = 0.1, tts_s: float = 0.1) -> TurnRecord:
    return TurnRecord(
        call="a",
        turn=1,
        speech_start_s=-1.0,
        eot_s=0.3,
        stt_final_s=0.3,
        clause_s=0.3 + llm_s,
        playout_s=0.3 + llm_s + tts_s,
    )


@pytest.fixture(autouse=True)
def no_shared_breakers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARLEY_BREAKERS", raising=False)


async def test_a_slow_model_makes_way_for_the_next_and_comes_back() -> None:
    pipeline = pipeline_of(agent_llm="simulated:2s, responder")
    assert isinstance(pipeline.llm, ChainLLM)
    thrift = Thrift(pipeline.chains, pipeline.planner, budget_s=1.0)
    assert pipeline.llm.in_use.name == "llm:simulated:2s"
    for _ in range(2):
        thrift.finished(turn(llm_s=2.0))
    assert pipeline.llm.in_use.name == "llm:responder"
    for _ in range(WINDOW):
        thrift.finished(turn())
    assert pipeline.llm.in_use.name == "llm:simulated:2s"
    await pipeline.aclose()


async def test_a_call_that_is_late_asks_one_voice_at_a_time() -> None:
    pipeline = pipeline_of(agent_tts="simulated, espeak", agent_voice_hedge_s="0.4")
    assert isinstance(pipeline.speaker, ChainTTS) and pipeline.planner is None
    thrift = Thrift(pipeline.chains, pipeline.planner, budget_s=1.0)
    for _ in range(2):
        thrift.finished(turn(tts_s=2.0))
    assert pipeline.speaker.hedge_s is None
    for _ in range(WINDOW):
        thrift.finished(turn())
    assert pipeline.speaker.hedge_s == 0.4
    await pipeline.aclose()


async def test_a_slow_voice_begins_with_fewer_words() -> None:
    pipeline = pipeline_of(agent_tts="espeak")
    planner = pipeline.planner
    assert planner is not None
    before = planner.first_length().max_chars
    thrift = Thrift(pipeline.chains, planner, budget_s=1.0)
    for _ in range(2):
        thrift.finished(turn(tts_s=2.0))
    assert planner.first_length().max_chars < before
    for _ in range(WINDOW):
        thrift.finished(turn())
    assert planner.first_length().max_chars == before
    await pipeline.aclose()


async def test_each_step_is_logged_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = pipeline_of(agent_llm="simulated:2s, responder")
    thrift = Thrift(pipeline.chains, None, budget_s=1.0)
    before = (steps("down"), steps("up"))
    with caplog.at_level(logging.INFO, "agent.thrift"):
        for _ in range(2):
            thrift.finished(turn(llm_s=2.0))
        for _ in range(WINDOW):
            thrift.finished(turn())
    await pipeline.aclose()
    assert (steps("down"), steps("up")) == (before[0] + 1, before[1] + 1)
    told = [(it.getMessage(), vars(it)["stage"]) for it in caplog.records]
    assert told == [
        ("answers are late: stepping down", "llm"),
        ("answers are in time: back up", "llm"),
    ]


def steps(direction: str) -> float:
    labels = {"stage": "llm", "direction": direction}
    return REGISTRY.get_sample_value("parley_steps_total", labels) or 0.0
