"""AGENT_NOISE as it may be written."""

from __future__ import annotations

import pytest

from agent.config import ConfigError, Settings, load_settings
from agent.sound.plan import RECOMMENDED, STAGES, NoisePlan, parse_noise


def test_without_the_setting_nothing_touches_the_sound() -> None:
    assert parse_noise(Settings().agent_noise) == NoisePlan()


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("off", NoisePlan()),
        ("on", NoisePlan(stages=RECOMMENDED)),
        ("auto", NoisePlan(stages=RECOMMENDED, is_automatic=True)),
        (" Gate ", NoisePlan(stages=("gate",))),
        ("gain, rnnoise,highpass", NoisePlan(stages=("highpass", "rnnoise", "gain"))),
        ("gate,gate", NoisePlan(stages=("gate",))),
    ],
)
def test_what_is_written_is_what_is_switched_on_in_the_order_of_the_chain(
    text: str, plan: NoisePlan
) -> None:
    assert parse_noise(text) == plan


@pytest.mark.parametrize("text", ["", "loud", "on,gate", "auto, rnnoise", "gate,,gain"])
def test_anything_else_is_refused_with_all_that_may_be_written(text: str) -> None:
    with pytest.raises(ValueError, match="off, auto, on, or of highpass, rnnoise, gate, gain"):
        parse_noise(text)


def test_the_settings_refuse_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_NOISE", "rnnois")
    with pytest.raises(ConfigError, match=r"^AGENT_NOISE: 'rnnois' is none of"):
        load_settings(None)


def test_what_is_recommended_is_of_the_chain() -> None:
    assert set(RECOMMENDED) <= set(STAGES)
