"""How long a call may be stuck: never so short that its chains cannot help themselves."""

from __future__ import annotations

import pytest

from agent.chained import HOSTED_S, LOCAL_S, Chains
from agent.config import Settings
from agent.engine_spec import EngineSpec
from agent.turns.watchdog import Limits
from agent.watch import limits, tolerance
from tests.fakes.mute_tts import MuteTTS

NOBODY: dict[str, float] = {}


def test_without_several_engines_the_limits_are_the_watchdogs_own() -> None:
    assert limits(Settings(), "embedded", NOBODY) == Limits()
    assert limits(Settings(agent_watchdog=2.0), "local", NOBODY) == Limits().scaled(2.0)


@pytest.mark.parametrize("stage", ["stt", "llm", "tts"])
@pytest.mark.parametrize("given_s", [0.0, 0.7, 6.7, 20.0])
def test_an_engine_is_not_given_up_before_its_chain_has_come_to_the_last(
    stage: str, given_s: float
) -> None:
    found = limits(Settings(), "hybrid", {stage: given_s})
    reached = {
        "stt": (found.words_s,),
        "llm": (found.thinking_s,),
        "tts": (found.voice_s, found.sound_s),
    }
    assert all(limit_s > given_s for limit_s in reached[stage])
    others = {name: limits_s for name, limits_s in reached.items() if name != stage}
    own = Limits()
    own_s = {
        "stt": (own.words_s,),
        "llm": (own.thinking_s,),
        "tts": (own.voice_s, own.sound_s),
    }
    assert all(others[name] == own_s[name] for name in others)


def test_a_chain_says_what_it_gives_all_but_its_last_voice() -> None:
    chains = Chains(None)
    voices = [(EngineSpec(name=name), MuteTTS()) for name in ("kokoro", "elevenlabs", "espeak")]
    chains.tts(voices)
    assert chains.patience_s == {"tts": LOCAL_S["tts"] + HOSTED_S["tts"]}
    assert limits(Settings(), "hybrid", chains.patience_s).sound_s > LOCAL_S["tts"]


def test_words_are_not_missed_where_speech_has_only_those_it_is_given() -> None:
    assert limits(Settings(), "simulated", {"stt": 2.0}).words_s == 0.0


def test_without_a_watchdog_livekit_ends_the_call_of_an_engine_that_is_dead() -> None:
    off = limits(Settings(agent_watchdog=0), "local", {"tts": 6.0})
    assert off == Limits().scaled(0)
    own, watched = tolerance(off), tolerance(Limits())
    assert own.max_unrecoverable_errors < watched.max_unrecoverable_errors
