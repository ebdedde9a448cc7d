"""A hosted engine that has nobody behind it, as the profile `hosted` begins: a fault of the moment loses
no word, for the engine itself is asked again."""

from __future__ import annotations

import pytest

from evals.chaos.lines import pipeline, reply_to, settings_of, turn_of
from tests.chaos.providers import FIRST_MODEL, Order, running_providers
from tests.chaos.trials import Trial
from tests.fakes.providers.faults import Fault, Kind, Plan

pytestmark = pytest.mark.usefixtures("http")

ENGINES: dict[Order, dict[str, str]] = {
    "deepgram first": {"agent_stt": "deepgram", "agent_tts": "elevenlabs"},
    "openai first": {"agent_stt": "openai", "agent_tts": "openai"},
}
ONCE = [
    ("stt", "reset"),
    ("stt", "first: dropped (1006)"),
    ("stt", "midway: reset"),
    ("llm", "reset"),
    ("llm", "stall"),
    ("llm", "HTML with 200"),
    ("llm", "midway: reset"),
    ("llm", "midway: stall"),
    ("tts", "reset"),
    ("tts", "first: dropped (1006)"),
    ("tts", "midway: truncated"),
]
CASES = [
    (order, Trial(*case))  # type: ignore[arg-type]
    for order in ENGINES
    for case in ONCE
    if case[0] != "llm" or order == "deepgram first"
]


@pytest.mark.parametrize(("order", "trial"), CASES, ids=str)
async def test_a_fault_of_the_moment_loses_no_word(order: Order, trial: Trial) -> None:
    async with running_providers(order) as providers:
        providers.openai.reply = reply_to
        provider, service = providers.target(trial)
        assert trial.fault is not None
        plan = provider.plans[service] = Plan.nth(1, trial.fault)
        alone = ENGINES[order] | {"agent_llm": f"openai:{FIRST_MODEL}"}
        async with pipeline(settings_of(providers, **alone)) as engines:
            turn = await turn_of(engines, "river")
    assert turn.problems() == []
    assert plan.taken > 1


@pytest.mark.parametrize("trial", [Trial("stt", "401"), Trial("llm", "401")], ids=str)
async def test_a_refused_key_is_asked_about_once(trial: Trial) -> None:
    async with running_providers("deepgram first") as providers:
        providers.openai.reply = reply_to
        provider, service = providers.target(trial)
        refused = Fault(kind=Kind.STATUS, status=401)
        plan = provider.plans[service] = Plan.always(refused)
        alone = ENGINES["deepgram first"] | {"agent_llm": f"openai:{FIRST_MODEL}"}
        async with pipeline(settings_of(providers, **alone)) as engines:
            turns = [await turn_of(engines, noun) for noun in ("river", "bakery")]
    assert [turn.is_answered for turn in turns] == [False, False]
    assert plan.taken == 1
