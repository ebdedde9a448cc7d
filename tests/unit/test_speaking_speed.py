"""AGENT_SPEED on its way to the engines; those of the model server have it in tests/server."""

from __future__ import annotations

import pytest

from agent.apology import embedded_voice
from agent.config import Settings
from agent.dispatch import CallOptions
from agent.engines import Loaded, Pipeline, build, import_plugins
from agent.profiles import choose
from agent.speech.planner import ClausePlanner
from tests.contract import tts_checks

TEXT = "Your appointment is on Tuesday at half past nine."
SPEEDS = (0.5, 1.0, 2.0)


def made(speed: float, call: CallOptions | None = None, **values: object) -> Pipeline:
    settings = Settings.model_validate(
        {"agent_profile": "simulated", "agent_speed": speed, **values}
    )
    call = call or CallOptions()
    choice = choose(settings, call)
    import_plugins(choice)
    return build(settings, choice, call, Loaded())


async def lasts_s(pipeline: Pipeline) -> float:
    said = await tts_checks.say(pipeline.speaker, TEXT)
    await pipeline.aclose()
    return sum(audio.frame.duration for audio in said)


def test_a_call_may_have_another_speed_than_the_worker() -> None:
    settings = Settings(agent_speed=1.2)
    assert choose(settings).speed == 1.2
    assert choose(settings, CallOptions(speed=0.8)).speed == 0.8


async def test_espeak_takes_less_time_the_faster_it_is() -> None:
    slow_s, usual_s, fast_s = [await lasts_s(made(speed, agent_tts="espeak")) for speed in SPEEDS]
    assert slow_s == pytest.approx(usual_s / 0.5, rel=0.2)
    assert fast_s == pytest.approx(usual_s / 2.0, rel=0.2)


async def test_no_voice_of_a_list_is_taken_for_broken_at_any_speed() -> None:
    for speed in SPEEDS:
        pipeline = made(speed, agent_tts="espeak, espeak:en-gb")
        faults: list[str] = []
        pipeline.chains.on_fault = faults.append
        for _ in range(4):
            await tts_checks.say(pipeline.speaker, TEXT)
        await pipeline.aclose()
        assert not faults, speed


async def test_clauses_are_planned_for_as_many_letters_as_a_second_has() -> None:
    usual = ClausePlanner()
    for speed in SPEEDS:
        pipeline = made(speed, agent_tts="espeak")
        planner = pipeline.planner
        await pipeline.aclose()
        assert planner is not None
        assert planner.speech_s(100) - usual.speech_s(0) == pytest.approx(
            (usual.speech_s(100) - usual.speech_s(0)) / speed
        )


def test_an_apology_is_as_fast_as_the_call() -> None:
    usual, fast = (len(embedded_voice(None, speed)(TEXT)) for speed in (1.0, 1.5))
    assert fast < 0.85 * usual
