"""What an engine costs, by its first work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from livekit.plugins.modelserver import EngineConfig
from livekit.plugins.modelserver.metrics import ServerMetrics
from livekit.plugins.modelserver.served import ServedEngine, serve_engines
from livekit.plugins.modelserver.warm_up import measured_cost

from tests.server.dummies import STEP_SOUND_S, DummyEar, DummyVoice, PlainEar

EAR = EngineConfig(name="ear", kind="stt", factory="given")
VOICE = EngineConfig(name="voice", kind="tts", factory="given")


@pytest.mark.parametrize("ear_type", [DummyEar, PlainEar])
def test_a_recogniser_is_measured_on_a_sound_with_a_pause(ear_type: type[DummyEar]) -> None:
    ear = ear_type(step_s=0.001)
    cost = measured_cost(EAR, ear)
    assert cost is not None and 0.005 < cost < 0.2, "a step of 1 ms for each tenth of a second"
    assert ear.decodes > 60, "two rounds of 4 s"
    assert ear.open_sessions == 0


def test_a_voice_is_measured_on_a_text() -> None:
    cost = measured_cost(VOICE, DummyVoice(step_s=STEP_SOUND_S / 10))
    assert cost is not None and 0.1 <= cost < 0.3


def test_a_voice_that_makes_no_sound_has_no_cost() -> None:
    class Mute(DummyVoice):
        def steps(self, text: str, voicing: object = None) -> Iterator[object]:  # type: ignore[override]
            return iter(())

    assert measured_cost(VOICE, Mute()) is None


def _served(*configs: EngineConfig, **costs: float) -> dict[str, ServedEngine]:
    engines = {config.name: DummyEar() for config in configs}
    served = serve_engines(configs, engines, costs, ServerMetrics(), lambda outcomes: None)
    for engine in served:
        assert engine.lane.close(timeout_s=5.0)
    return {engine.name: engine for engine in served}


def test_capacity_is_that_of_the_lane_for_whole_calls() -> None:
    ear = EngineConfig(name="ear", kind="stt", factory="given", lane="cpu", threads=2)
    voice = EngineConfig(name="voice", kind="tts", factory="given", lane="cpu")
    spare = EngineConfig(name="spare", kind="tts", factory="given", lane="cpu")
    served = _served(ear, voice, spare, ear=0.1, voice=0.2, spare=5.0)
    assert len({engine.lane for engine in served.values()}) == 1
    assert served["ear"].capacity == 8, "two threads, a tenth to hear and half of a fifth to speak"
    assert served["voice"].capacity == 8


def test_engines_with_lanes_of_their_own_have_capacities_of_their_own() -> None:
    served = _served(EAR, VOICE, ear=0.1, voice=0.4)
    assert served["ear"].capacity == 8
    assert served["voice"].capacity == 4, "callers speak half of the time"


def test_a_capacity_that_is_set_is_not_measured() -> None:
    served = _served(EngineConfig(name="ear", kind="stt", factory="given", capacity=3), ear=9.0)
    assert served["ear"].capacity == 3
