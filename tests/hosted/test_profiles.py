"""Which engines are chosen where keys of providers are set."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import ConfigError, Settings, load_settings
from agent.profiles import Choice, ProfileError, choose
from agent.weights import Store
from tests.fakes.weights import small_store

DEEPGRAM = {"deepgram_api_key": "d"}
OPENAI = {"openai_api_key": "o"}
ELEVEN = {"eleven_api_key": "e"}
ALL = DEEPGRAM | OPENAI | ELEVEN
HOSTED = {"stt": "deepgram", "llm": "openai", "tts": "elevenlabs"}
LOCAL = {"stt": "faster_whisper:a", "llm": "llama_cpp:b", "tts": "kokoro:c"}


@pytest.fixture
def weights(tmp_path: Path) -> Store:
    return small_store(tmp_path, LOCAL)


def chosen(values: dict[str, str], store: Store) -> Choice:
    return choose(Settings.model_validate(values), None, lambda _: True, store)


def preferred(choice: Choice) -> dict[str, str]:
    """The first engine of each stage."""
    return {"stt": str(choice.stt), "llm": str(choice.llm), "tts": str(choice.tts)}


@pytest.mark.parametrize(
    ("keys", "has_weights", "profile"),
    [
        ({}, False, "embedded"),
        ({}, True, "local"),
        (ALL, False, "hosted"),
        (ALL, True, "hybrid"),
        (OPENAI, True, "hybrid"),
        (OPENAI, False, "embedded"),
        (DEEPGRAM | ELEVEN, False, "embedded"),
    ],
)
def test_auto_goes_by_weights_and_keys(
    keys: dict[str, str], has_weights: bool, profile: str, weights: Store, tmp_path: Path
) -> None:
    store = weights if has_weights else Store(tmp_path / "none")
    assert chosen(keys, store).profile == profile


def test_auto_says_what_is_missing_for_hosted_engines_to_who_has_set_a_key(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert "DEEPGRAM_API_KEY is not set" in chosen(OPENAI, store).why
    assert "line break" in chosen({"deepgram_api_key": "a\nb"}, store).why
    assert "hosted" not in chosen({}, store).why


def test_hybrid_is_local_first_and_hosted_first_by_the_lists(weights: Store) -> None:
    assert preferred(chosen({"agent_profile": "hybrid"} | ALL, weights)) == LOCAL
    lists = {"agent_stt": "deepgram, faster_whisper", "agent_llm": "openai, llama_cpp"}
    engines = preferred(chosen({"agent_profile": "hybrid"} | lists | ALL, weights))
    assert engines == {"stt": "deepgram", "llm": "openai", "tts": "kokoro:c"}


def test_of_a_list_what_has_no_weights_or_no_key_is_left_out_with_a_warning(
    weights: Store, tmp_path: Path
) -> None:
    without_weights = chosen({"agent_profile": "hybrid"} | ALL, Store(tmp_path / "none"))
    assert preferred(without_weights) == HOSTED
    assert "faster_whisper is left out of AGENT_STT" in without_weights.warnings[0]
    without_keys = chosen({"agent_profile": "hybrid"}, weights)
    assert preferred(without_keys) == LOCAL
    assert any("DEEPGRAM_API_KEY is not set" in warning for warning in without_keys.warnings)


def test_a_list_of_which_nothing_can_be_had_is_refused_with_the_first_ones_remedy() -> None:
    with pytest.raises(ProfileError, match="DEEPGRAM_API_KEY is not set"):
        choose(Settings.model_validate({"agent_stt": "deepgram, openai"}))


def test_an_unknown_engine_in_a_list_is_a_mistake_and_not_left_out() -> None:
    with pytest.raises(ProfileError, match="no engine 'deepgrm'"):
        choose(Settings.model_validate({"agent_stt": "pocketsphinx, deepgrm"}))


@pytest.mark.parametrize("missing", ["deepgram", "openai", "elevenlabs"])
def test_hosted_without_a_key_or_its_package_is_refused_with_the_remedy(missing: str) -> None:
    variable = {"deepgram": "deepgram", "openai": "openai", "elevenlabs": "eleven"}[missing]
    keys = {name: key for name, key in ALL.items() if not name.startswith(variable)}
    with pytest.raises(ProfileError, match=f"{variable.upper()}_API_KEY is not set"):
        choose(Settings.model_validate({"agent_profile": "hosted"} | keys))
    settings = Settings.model_validate({"agent_profile": "hosted"} | ALL)
    with pytest.raises(ProfileError, match=rf"needs livekit.plugins.{missing}.*\[hosted\]"):
        choose(settings, is_installed=lambda name: not name.endswith(missing))


def test_an_openai_server_of_ones_own_needs_no_key() -> None:
    values = {"agent_llm": "openai:any-model", "openai_base_url": "http://127.0.0.1:8000/v1"}
    assert str(choose(Settings.model_validate(values)).llm) == "openai:any-model"


def test_an_address_without_its_scheme_is_refused_with_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "127.0.0.1:8000")
    with pytest.raises(ConfigError, match="OPENAI_BASE_URL: must begin with http"):
        load_settings(tmp_path / "none")
