"""`AGENT_VAD` chooses what tells speech from silence."""

from __future__ import annotations

import sys

import pytest

from agent.config import ConfigError, Settings, load_settings
from agent.profiles import ProfileError
from agent.turn_taking import voice_activity


@pytest.mark.parametrize(
    ("name", "model"),
    [("silero", "silero"), ("ten_vad", "ten-vad"), ("webrtc_vad", "webrtc-vad-3")],
)
def test_the_vad_is_the_one_that_is_set(name: str, model: str) -> None:
    assert voice_activity(Settings(agent_vad=name)).model == model  # type: ignore[arg-type]


def test_without_the_setting_it_is_silero() -> None:
    assert voice_activity(Settings()).model == "silero"


def test_another_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_VAD", "loudness")
    with pytest.raises(ConfigError, match="AGENT_VAD"):
        load_settings(None)


def test_one_that_is_not_installed_is_a_sentence_with_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "webrtcvad", None)
    with pytest.raises(ProfileError, match=r"^AGENT_VAD: .*install the 'webrtcvad' extra\.$"):
        voice_activity(Settings(agent_vad="webrtc_vad"))
