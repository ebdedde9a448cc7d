from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.config import ConfigError, Settings, load_settings, unknown_variables

EXAMPLE = Path(__file__).parents[2] / ".env.example"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AGENT_", "LIVEKIT_")):
            monkeypatch.delenv(name)


def test_without_any_variable_the_defaults_work(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "none")
    assert settings.agent_profile == "auto"
    assert settings.agent_host == settings.agent_web_host == "127.0.0.1"


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("AGENT_PROFILE=embedded\nAGENT_VOICE=en-gb\n")
    monkeypatch.setenv("AGENT_PROFILE", "simulated")
    settings = load_settings(env_file)
    assert (settings.agent_profile, settings.agent_voice) == ("simulated", "en-gb")


def test_all_problems_are_reported_together_each_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEKIT_URL", "example.org")
    monkeypatch.setenv("AGENT_WEB_PORT", "eighty")
    monkeypatch.setenv("AGENT_TIME_ZONE", "Mars/Olympus")
    monkeypatch.setenv("AGENT_SKILLS", str(tmp_path / "missing.yaml"))
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path / "none")
    names = {problem.split(":")[0] for problem in caught.value.problems}
    assert names == {"LIVEKIT_URL", "AGENT_WEB_PORT", "AGENT_TIME_ZONE", "AGENT_SKILLS"}
    assert "missing.yaml" in str(caught.value)


@pytest.mark.parametrize("speed", ["0.4", "2.1", "-1", "nan", "inf"])
def test_a_speed_that_no_caller_follows_is_refused(
    speed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AGENT_SPEED", speed)
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path / "none")
    sentence = "AGENT_SPEED: must be 0.5 to 2.0, where 1 is the voice's own pace"
    assert caught.value.problems == [sentence]


def test_fillers_are_a_list_of_two_or_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AGENT_FILLERS", " Hm, let me see. | One moment.|")
    assert load_settings(tmp_path / "none").fillers == ("Hm, let me see.", "One moment.")
    monkeypatch.setenv("AGENT_FILLERS", "One moment.")
    with pytest.raises(ConfigError, match="two phrases"):
        load_settings(tmp_path / "none")


def test_the_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIVEKIT_API_SECRET", "very-secret-value")
    assert "very-secret-value" not in repr(load_settings(tmp_path / "none"))


def test_unknown_variables_are_named_with_the_nearest_setting(tmp_path: Path) -> None:
    (sentence,) = unknown_variables({"AGENT_PROFIL": "x", "OTHER": "y"}, tmp_path / "none")
    assert "AGENT_PROFIL " in sentence
    assert "AGENT_PROFILE" in sentence


def test_the_example_file_lists_every_setting_with_its_default_and_meaning() -> None:
    text = EXAMPLE.read_text()
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else str(field.default)
        assert f"# {field.description}\n#{name.upper()}={default}\n" in text, name
    listed = [
        line[1:].split("=")[0] for line in text.splitlines() if line[1:2].isupper() and "=" in line
    ]
    assert listed == [name.upper() for name in Settings.model_fields]
