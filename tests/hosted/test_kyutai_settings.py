"""Kyutai's engines as the settings name them."""

from __future__ import annotations

import pytest
from livekit.plugins import kyutai
from livekit.plugins.speechcore import EngineError

from agent import engines
from agent.config import load_settings
from agent.dispatch import CallOptions
from agent.profiles import ProfileError, choose
from tests.fakes.providers.kyutai import FakeKyutai
from tests.hosted.trials import QUESTION, SPOKEN, listen, speak


async def test_both_are_set_by_address_and_key_and_the_key_is_in_no_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with FakeKyutai().running() as server:
        monkeypatch.setenv("AGENT_PROFILE", "simulated")
        monkeypatch.setenv("AGENT_STT", f"kyutai:{server.address}?delay=0.5")
        monkeypatch.setenv("AGENT_TTS", f"kyutai:{server.address}")
        monkeypatch.setenv("KYUTAI_API_KEY", server.key)
        settings = load_settings(env_file=None)
        choice = choose(settings)
        engines.import_plugins(choice)
        with caplog.at_level("DEBUG"):
            pipeline = engines.build(settings, choice, CallOptions(), engines.Loaded())
            assert pipeline.tts is pipeline.speaker, "it takes the text as it is written"
            outcomes = await listen(pipeline.stt), await speak(pipeline.tts)
            await pipeline.aclose()
        assert [outcome.text for outcome in outcomes] == [QUESTION, SPOKEN]
        assert server.key not in caplog.text + repr(settings)
        assert QUESTION not in caplog.text


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"AGENT_STT": "kyutai"}, "AGENT_STT: write the server's address, kyutai:ws://host:port"),
        ({"AGENT_TTS": "kyutai"}, "AGENT_TTS: write the server's address, kyutai:ws://host:port"),
        ({"AGENT_TTS": "kyutai:http://a:1"}, "must be ws://host:port"),
        ({"AGENT_STT": "kyutai:ws://a:1", "AGENT_LANGUAGE": "de"}, "hears English and French"),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence(
    values: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ({"AGENT_PROFILE": "simulated"} | values).items():
        monkeypatch.setenv(name, value)
    settings = load_settings(env_file=None)
    choice = choose(settings)
    with pytest.raises(ProfileError, match=says):
        engines.build(settings, choice, CallOptions(), engines.Loaded())


async def test_a_language_that_it_does_not_hear_is_refused() -> None:
    with pytest.raises(EngineError, match="hears English and French"):
        kyutai.STT(kyutai.ServerOptions(url="ws://127.0.0.1:1"), language="de")
