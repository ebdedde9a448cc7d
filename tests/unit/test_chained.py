"""The engines of a call, one or several a stage."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from livekit.plugins.chains import ChainLLM, ChainSTT, ChainTTS, Fault, FaultKind, Switched
from livekit.plugins.simulated import LLM, STT

from agent import metrics
from agent.chained import Chains, share_breakers
from agent.config import Settings
from agent.dispatch import CallOptions
from agent.engine_spec import EngineSpec
from agent.engines import Loaded, build
from agent.profiles import choose


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.delenv("PARLEY_BREAKERS", raising=False)
    yield tmp_path


async def test_one_engine_a_stage_is_used_as_it_is(environment: Path) -> None:
    settings = Settings(agent_profile="simulated")
    pipeline = build(settings, choose(settings), CallOptions(), Loaded())
    assert isinstance(pipeline.stt, STT)
    assert isinstance(pipeline.llm, LLM)
    assert pipeline.members == (pipeline.stt, pipeline.llm, pipeline.speaker)
    await pipeline.aclose()


async def test_several_are_a_chain_in_their_order(environment: Path) -> None:
    settings = Settings(
        agent_profile="simulated",
        agent_stt="simulated, pocketsphinx",
        agent_llm="simulated:200ms, responder",
        agent_tts="simulated, espeak",
        agent_hedge_s=0.5,
    )
    pipeline = build(settings, choose(settings), CallOptions(), Loaded())
    assert isinstance(pipeline.stt, ChainSTT)
    assert isinstance(pipeline.llm, ChainLLM)
    assert isinstance(pipeline.speaker, ChainTTS)
    assert [member.name for member in pipeline.llm.members] == [
        "llm:simulated:200ms",
        "llm:responder",
    ]
    assert pipeline.llm.hedge_s == 0.5
    assert len(pipeline.members) == 6
    await pipeline.aclose()


def test_what_one_call_knows_of_an_engine_all_calls_of_the_worker_know(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: dict[str, str] = {}
    share_breakers(environment, published)
    monkeypatch.setenv("PARLEY_BREAKERS", published["PARLEY_BREAKERS"])
    two = [
        (EngineSpec(name="simulated", model="20ms"), LLM()),
        (EngineSpec(name="responder", model=None), LLM()),
    ]
    one, other = Chains(None).llm(two), Chains(None).llm(two)
    assert isinstance(one, ChainLLM) and isinstance(other, ChainLLM)
    one.breakers.of("llm:simulated:20ms").failed(Fault(FaultKind.KEY, "does not take the key"))
    assert not other.breakers.of("llm:simulated:20ms").may_try()
    share_breakers(environment, published)
    again = Chains(None).llm(two)
    assert isinstance(again, ChainLLM)
    assert again.breakers.of("llm:simulated:20ms").may_try()


def test_a_fault_that_another_engine_mends_is_counted_and_told(environment: Path) -> None:
    chains = Chains(None)
    told: list[str] = []
    chains.on_fault = told.append
    counter = metrics.SWITCHES.labels("tts", "kokoro", "espeak")
    before = counter._value.get()
    chains.heard(
        Switched(
            stage="tts", source="kokoro", to="espeak", fault=Fault(FaultKind.TIMEOUT, "was late")
        )
    )
    assert told == ["tts"]
    assert counter._value.get() == before + 1
