"""The engines of a call, one or several a stage."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from livekit.agents import APIConnectionError
from livekit.plugins import responder
from livekit.plugins.chains import ChainLLM, ChainSTT, ChainTTS, Fault, FaultKind, Switched
from livekit.plugins.simulated import LLM, STT

from agent import metrics
from agent.chained import Chains, share_breakers
from agent.config import Settings
from agent.dispatch import CallOptions
from agent.engine_spec import EngineSpec
from agent.engines import Loaded, build
from agent.profiles import choose
from tests.contract.llm_checks import ask, question, text_of
from tests.fakes.scripted_llm import ScriptedLLM, words


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
        agent_voice_hedge_s=0.4,
    )
    pipeline = build(settings, choose(settings), CallOptions(), Loaded())
    assert isinstance(pipeline.stt, ChainSTT)
    assert isinstance(pipeline.llm, ChainLLM)
    assert isinstance(pipeline.speaker, ChainTTS)
    assert [member.name for member in pipeline.llm.members] == [
        "llm:simulated:200ms",
        "llm:responder",
    ]
    assert (pipeline.llm.hedge_s, pipeline.speaker.hedge_s) == (0.5, 0.4)
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


@pytest.mark.parametrize(
    ("first_token_s", "deadline_s"), [(0.0, 2.5), (0.1, 2.5), (0.8, 4.0), (60.0, 6.0)]
)
def test_a_slow_local_model_has_the_time_that_was_measured(
    environment: Path, first_token_s: float, deadline_s: float
) -> None:
    chains = Chains(None, first_token_s=first_token_s)
    models = [(EngineSpec(name=name), LLM()) for name in ("llama_cpp", "openai", "responder")]
    chain = chains.llm(models)
    assert isinstance(chain, ChainLLM)
    assert [member.deadline_s for member in chain.members] == [deadline_s, 0.7, deadline_s]
    assert chains.patience_s == {"llm": pytest.approx(deadline_s + 0.7)}


@pytest.mark.parametrize(
    ("names", "deadlines_s", "patience_s"),
    [(("openai",), [5.0], 5.0), (("openai", "openai"), [0.7, 0.7], 0.7), (("responder",), [], 0.0)],
)
def test_a_hosted_engine_that_is_alone_is_asked_twice_and_not_hurried(
    environment: Path, names: tuple[str, ...], deadlines_s: list[float], patience_s: float
) -> None:
    chains = Chains(None)
    models = [(EngineSpec(name=name, model=str(n)), LLM()) for n, name in enumerate(names)]
    chain = chains.llm(models)
    members = chain.members if isinstance(chain, ChainLLM) else ()
    assert [member.deadline_s for member in members] == deadlines_s
    assert chains.patience_s.get("llm", 0.0) == patience_s
    assert chains.can_spare("llm") == (len(names) > 1)


async def test_an_answer_that_breaks_off_is_ended_in_the_way_of_the_next_model(
    environment: Path,
) -> None:
    """The responder follows no instructions to go on: it answers the question itself."""
    dying = ScriptedLLM([*words("Let me see."), APIConnectionError("dead")])
    mind = responder.LLM()
    chain = Chains(None).llm(
        [(EngineSpec(name="openai"), dying), (EngineSpec(name="responder"), mind)]
    )
    said = text_of(await ask(chain, question("who are you")))
    alone = text_of(await ask(mind, question("who are you")))
    await chain.aclose()
    await mind.aclose()
    assert said == f"Let me see. {alone}" and "Parley" in alone
