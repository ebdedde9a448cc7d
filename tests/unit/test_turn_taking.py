"""The settings of turn-taking, and what a call makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.config import ConfigError, Settings, load_settings
from agent.turn_taking import Words, asks_model, endpointing
from agent.turns.endpointing import ClassicPolicy, EndpointingPolicy, HazardPolicy, VadPolicy
from agent.turns.words import NEUTRAL, WordsJudge


@pytest.mark.parametrize(
    ("given", "policy"),
    [
        ({}, HazardPolicy(budget=0.09)),
        ({"agent_patience": "eager"}, HazardPolicy(budget=0.12)),
        ({"agent_patience": "patient"}, HazardPolicy(budget=0.04)),
        ({"agent_patience": "2.5%"}, HazardPolicy(budget=0.025)),
        ({"agent_pause_score_weight": 1.5}, HazardPolicy(budget=0.09, pause_weight=1.5)),
        ({"agent_turns": "classic"}, ClassicPolicy()),
        ({"agent_turns": "vad"}, VadPolicy()),
    ],
)
def test_the_settings_say_what_ends_a_turn_and_how_readily(
    given: dict[str, Any], policy: EndpointingPolicy
) -> None:
    assert endpointing(Settings(**given)) == policy


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("AGENT_PATIENCE", "saintly", "eager, normal or patient"),
        ("AGENT_TURNS", "telepathy", "hazard"),
        ("AGENT_TURN_LLM", "perhaps", "'off' or 'on'"),
    ],
)
def test_a_setting_that_is_none_is_refused_at_the_start(
    name: str, value: str, remedy: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"{name}.*{remedy}"):
        load_settings(tmp_path / "none")


@pytest.mark.parametrize(
    ("given", "is_asked"),
    [
        ({}, False),
        ({"agent_turn_llm": "on"}, True),
        ({"agent_turn_llm": "on", "agent_turns": "classic"}, False),
        ({"agent_turn_llm": "on", "agent_turns": "vad"}, False),
    ],
)
def test_the_language_model_is_asked_only_by_setting_and_where_it_counts(
    given: dict[str, Any], is_asked: bool
) -> None:
    assert asks_model(Settings(**given)) is is_asked


@pytest.mark.parametrize("language", ["en", "en-GB"])
def test_english_words_are_judged(language: str) -> None:
    words = Words.of(language, WordsJudge.load(with_trigram=False))
    assert words.judge("set a timer for", "").end_probability < 0.2
    assert words.over_speech("mm hmm", "") == "backchannel"


def test_in_another_language_voice_and_silence_decide_and_any_word_interrupts() -> None:
    words = Words.of("de", WordsJudge.load(with_trigram=False))
    assert words.judge("stell einen Wecker auf", "") == NEUTRAL
    assert words.over_speech("mhm", "") == "content"
