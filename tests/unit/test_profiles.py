from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import Settings
from agent.dispatch import parse_metadata
from agent.profiles import ProfileError, choose
from agent.weights import Store
from tests.fakes.weights import small_store


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


def test_of_several_engines_the_first_is_preferred_and_the_others_follow_in_order() -> None:
    choice = choose(settings(agent_stt="simulated:20ms, pocketsphinx, simulated:20ms"))
    assert str(choice.stt) == "simulated:20ms"
    assert [str(spec) for spec in choice.listed["stt"]] == ["simulated:20ms", "pocketsphinx"]
    assert choice.engines["stt"] == "simulated:20ms, pocketsphinx"
    assert choice.simulated
    assert not choice.warnings


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


def everything_is_installed(_: str) -> bool:
    return True


@pytest.fixture
def whole_store(tmp_path: Path) -> Store:
    names = {"stt": "faster_whisper:a", "llm": "llama_cpp:b", "tts": "kokoro:c"}
    return small_store(tmp_path, names)


def test_auto_takes_local_models_that_are_there(whole_store: Store) -> None:
    choice = choose(settings(), None, everything_is_installed, whole_store)
    assert choice.profile == "local"
    assert choice.engines == {
        "stt": "faster_whisper:a",
        "llm": "llama_cpp:b",
        "tts": "kokoro:c, espeak",
    }


def test_the_embedded_voice_is_behind_all_others_and_stands_in_for_none() -> None:
    call = parse_metadata('{"profile": "hosted"}')
    keys = {"deepgram_api_key": "a", "openai_api_key": "b"}
    with pytest.raises(ProfileError, match="ELEVEN_API_KEY"):
        choose(settings(**keys), call)
    choice = choose(settings(**keys, eleven_api_key="c", agent_tts="espeak"))
    assert choice.engines["tts"] == "espeak"


def test_a_host_runs_one_model_of_llama_cpp(whole_store: Store) -> None:
    listed = "llama_cpp, llama_cpp:http://127.0.0.1:1, llama_cpp:/"
    choice = choose(settings(agent_llm=listed), None, everything_is_installed, whole_store)
    assert choice.engines["llm"] == "llama_cpp:b, llama_cpp:http://127.0.0.1:1"
    assert "one model" in choice.warnings[0]


@pytest.mark.parametrize(
    ("listed", "is_in_vain"),
    [("responder", True), ("responder, llama_cpp:http://127.0.0.1:1", False)],
)
def test_to_ask_a_language_model_that_cannot_tell_the_end_of_a_turn_is_warned_of(
    listed: str, is_in_vain: bool
) -> None:
    warnings = choose(settings(agent_llm=listed, agent_turn_llm="on")).warnings
    assert [warning.split()[0] for warning in warnings] == ["AGENT_TURN_LLM=on"] * is_in_vain
    assert not choose(settings(agent_llm=listed)).warnings


def test_auto_without_them_says_what_would_bring_them(tmp_path: Path) -> None:
    choice = choose(settings(), None, everything_is_installed, Store(tmp_path))
    assert choice.profile == "embedded"
    assert "parley download faster_whisper:base.en" in choice.why


def test_local_without_weights_is_refused_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"not downloaded.*parley download"):
        choose(settings(agent_profile="local"), None, everything_is_installed, Store(tmp_path))


def test_local_without_its_packages_is_refused_with_the_command(whole_store: Store) -> None:
    with pytest.raises(ProfileError, match="make setup LOCAL=1"):
        choose(settings(agent_profile="local"), None, lambda _: False, whole_store)


def test_a_model_server_elsewhere_has_weights_and_packages_itself(tmp_path: Path) -> None:
    values = {
        "agent_modelserver": "tcp://models.example:7000",
        "agent_stt": "faster_whisper",
        "agent_tts": "kokoro",
        "agent_llm": "llama_cpp:http://models.example:8080",
    }
    choice = choose(settings(**values), None, lambda _: False, Store(tmp_path))
    assert str(choice.stt) == "faster_whisper:base.en"
    assert str(choice.tts) == "kokoro:v1.0"
    assert str(choice.llm) == "llama_cpp:http://models.example:8080"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"agent_language": "fr", "agent_stt": "faster_whisper"}, "faster_whisper:base.en was not"),
        ({"agent_language": "de-AT", "agent_tts": "kokoro"}, "kokoro:v1.0 was not"),
        ({"agent_language": "fr", "agent_stt": "faster_whisper:base", "agent_tts": "kokoro"}, ""),
        ({"agent_language": "nb", "agent_stt": "faster_whisper:base"}, ""),
        ({"agent_language": "auto", "agent_stt": "faster_whisper", "agent_tts": "kokoro"}, ""),
    ],
)
def test_a_model_of_another_language_is_refused_at_the_start(
    values: dict[str, str], says: str, tmp_path: Path
) -> None:
    elsewhere = settings(
        agent_profile="simulated", agent_modelserver="tcp://models.example:7000", **values
    )
    if not says:
        choose(elsewhere, None, everything_is_installed, Store(tmp_path))
        return
    with pytest.raises(ProfileError, match=says):
        choose(elsewhere, None, everything_is_installed, Store(tmp_path))


def test_a_call_in_another_language_has_the_engines_of_a_list_that_know_it(tmp_path: Path) -> None:
    values = {"agent_modelserver": "tcp://models.example:7000", "agent_tts": "kokoro, espeak"}
    worker = settings(agent_profile="simulated", **values)
    english = choose(worker, None, everything_is_installed, Store(tmp_path))
    german = choose(
        worker, parse_metadata('{"language": "de"}'), everything_is_installed, Store(tmp_path)
    )
    assert english.engines["tts"] == "kokoro:v1.0, espeak"
    assert german.engines["tts"] == "espeak"
    assert "kokoro is left out of AGENT_TTS" in german.warnings[0]


def test_a_variant_that_does_not_exist_is_told_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="AGENT_STT.*no weights 'faster_whisper:bas'"):
        choose(
            settings(agent_stt="faster_whisper:bas"),
            None,
            everything_is_installed,
            Store(tmp_path),
        )
