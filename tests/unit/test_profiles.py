from __future__ import annotations

import pytest

from agent.config import Settings
from agent.dispatch import parse_metadata
from agent.profiles import ProfileError, choose


def settings(**values: object) -> Settings:
    return Settings.model_validate(values)


def test_auto_finds_embedded_and_says_why() -> None:
    choice = choose(settings())
    assert choice.profile == "embedded"
    assert choice.engines == {"stt": "pocketsphinx", "llm": "responder", "tts": "espeak"}
    assert "auto" in choice.why


def test_simulated_has_set_delays_and_no_greeting() -> None:
    choice = choose(settings(agent_profile="simulated"))
    assert choice.engines == {
        "stt": "simulated:80ms",
        "llm": "simulated:150ms",
        "tts": "simulated:70ms",
    }
    assert choice.greeting is None
    assert choice.simulated


def test_one_engine_can_be_replaced() -> None:
    choice = choose(settings(agent_profile="simulated", agent_tts="espeak"))
    assert str(choice.tts) == "espeak"
    assert str(choice.llm) == "simulated:150ms"


def test_of_several_engines_the_first_is_used_with_a_warning() -> None:
    choice = choose(settings(agent_stt="simulated:20ms, pocketsphinx"))
    assert str(choice.stt) == "simulated:20ms"
    assert "AGENT_STT" in choice.warnings[0]


def test_a_calls_own_profile_wins_over_the_workers_engines() -> None:
    call = parse_metadata('{"profile": "simulated"}')
    assert str(choose(settings(agent_stt="pocketsphinx"), call).stt) == "simulated:80ms"


@pytest.mark.parametrize(
    ("setting", "calls", "greeting"),
    [
        (None, None, "Hello, I am Parley. How can I help you?"),
        ("none", None, None),
        ("Welcome.", None, "Welcome."),
        ("Welcome.", "Hi.", "Hi."),
        ("Welcome.", "", None),
    ],
)
def test_the_call_decides_the_greeting_then_the_setting_then_the_profile(
    setting: str | None, calls: str | None, greeting: str | None
) -> None:
    call = parse_metadata("" if calls is None else f'{{"greeting": "{calls}"}}')
    assert choose(settings(agent_greeting=setting), call).greeting == greeting


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"agent_profile": "cloud"}, "no profile 'cloud'"),
        ({"agent_llm": "gpt"}, "AGENT_LLM: there is no engine 'gpt'"),
        ({"agent_tts": " , "}, "AGENT_TTS names no engine"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(values: dict[str, str], sentence: str) -> None:
    with pytest.raises(ProfileError, match=sentence):
        choose(settings(**values))


def test_a_missing_package_is_named_with_the_remedy() -> None:
    with pytest.raises(ProfileError, match=r"pocketsphinx needs pocketsphinx.*make setup"):
        choose(settings(), is_installed=lambda package: False)


def test_simulated_options_without_a_simulated_engine_are_refused() -> None:
    with pytest.raises(ProfileError, match="no engine of this call is simulated"):
        choose(settings(), parse_metadata('{"simulated": {"reply_s": 2}}'))
