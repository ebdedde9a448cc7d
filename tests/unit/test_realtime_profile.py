"""The profile `realtime`: which model, and which cascade is behind it."""

from __future__ import annotations

import pytest

from agent.config import Settings
from agent.dispatch import CallOptions, parse_metadata
from agent.engines import Loaded, build, check_engines, import_plugins
from agent.profiles import ProfileError, choose
from agent.realtime.models import make_realtime
from agent.realtime.openai import RealtimeModel

KEY = "sesame-open-0123456789"


def settings(**values: object) -> Settings:
    return Settings.model_validate({"agent_profile": "realtime", "openai_api_key": KEY, **values})


def test_the_engines_behind_it_are_those_of_the_settings_without_it() -> None:
    choice = choose(settings(agent_llm="simulated"))
    assert choice.profile == "realtime" and choice.realtime is not None
    assert str(choice.realtime.spec) == "openai"
    assert choice.realtime.engines == dict.fromkeys(("stt", "llm", "tts"), "openai")
    assert choice.engines["llm"] == "simulated"
    assert choice.realtime.cascade != "realtime" and choice.realtime.cascade in choice.why
    assert choice.greeting == "Hello, I am Parley. How can I help you?"


def test_a_call_may_ask_for_it_and_keeps_the_workers_engines() -> None:
    call = parse_metadata('{"profile": "realtime", "voice": "cedar", "greeting": ""}')
    choice = choose(settings(agent_profile="embedded", agent_stt="simulated"), call)
    assert choice.realtime is not None and choice.realtime.voice == "cedar"
    assert choice.voice is None  # a name of the model's own, not of the voice behind it
    assert str(choice.stt) == "simulated" and choice.greeting is None


def test_auto_never_chooses_it() -> None:
    assert choose(settings(agent_profile="auto")).realtime is None


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"openai_api_key": None}, "OPENAI_API_KEY is not set"),
        ({"openai_api_key": "a b"}, "has a blank in it"),
        ({"agent_realtime": "siri"}, "AGENT_REALTIME: there is no engine 'siri'"),
        ({"agent_realtime": ""}, "AGENT_REALTIME names no engine"),
        ({"agent_realtime": "openai, openai:gpt-realtime-mini"}, "AGENT_REALTIME names two"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(
    values: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ProfileError, match=sentence):
        choose(settings(**values))


@pytest.mark.parametrize(
    ("turns", "is_found_by_server"), [("own", False), ("server_vad", True), ("semantic_vad", True)]
)
async def test_the_setting_says_who_finds_the_turns(turns: str, is_found_by_server: bool) -> None:
    own = settings(agent_realtime_turns=turns, agent_realtime="openai:gpt-realtime-mini")
    choice = choose(own)
    import_plugins(choice)
    pipeline = build(own, choice, CallOptions(), Loaded())
    assert pipeline.realtime is not None
    abilities = pipeline.realtime.capabilities
    assert pipeline.realtime.model == "gpt-realtime-mini"
    assert abilities.turn_detection is is_found_by_server
    assert abilities.supports_say and abilities.message_truncation
    await pipeline.aclose()


@pytest.mark.parametrize(
    ("values", "voice", "is_warned"),
    [
        ({"agent_voice": "cedar"}, "cedar", False),
        ({"agent_voice": "af_heart"}, "marin", True),
        ({"agent_voice": "af_heart", "openai_base_url": "http://127.0.0.1:9"}, "af_heart", False),
    ],
)
async def test_a_voice_that_openai_does_not_have_is_another_one(
    values: dict[str, object], voice: str, is_warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    own = settings(**values)
    model = make_realtime(own, choose(own))
    assert isinstance(model, RealtimeModel) and model._opts.voice == voice
    assert ("no such voice" in caplog.text) is is_warned


def test_a_worker_builds_and_closes_it_without_asking_anybody() -> None:
    check_engines(settings(openai_base_url="http://127.0.0.1:9/v1"))


def moshi(url: str = "", **values: object) -> Settings:
    name = f"moshi:{url}" if url else "moshi"
    return settings(agent_realtime=name, openai_api_key=None, agent_llm="simulated", **values)


def test_moshi_needs_no_key_and_greets_by_itself_unless_it_is_asked_to() -> None:
    assert choose(moshi()).greeting is None
    assert choose(moshi(agent_greeting="Welcome!")).greeting == "Welcome!"
    assert choose(moshi(), parse_metadata('{"greeting": "Hi!"}')).greeting == "Hi!"


async def test_moshi_is_built_and_hears_and_speaks_at_once() -> None:
    own = moshi("ws://gpu-host:8998?text_seed=3")
    choice = choose(own)
    import_plugins(choice)
    pipeline = build(own, choice, CallOptions(), Loaded())
    assert pipeline.realtime is not None
    assert pipeline.realtime.provider == "gpu-host:8998"
    abilities = pipeline.realtime.capabilities
    assert abilities.turn_detection and abilities.supports_overlapping_speech
    await pipeline.aclose()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"url": "ftp://host"}, "AGENT_REALTIME: a Moshi server's address is like ws://host:8998"),
        ({"agent_language": "fr", "agent_stt": "simulated"}, "Moshi speaks English, not 'fr'"),
    ],
)
def test_what_moshi_cannot_do_is_told_in_a_sentence(values: dict[str, str], sentence: str) -> None:
    with pytest.raises(ProfileError, match=sentence):
        check_engines(moshi(**values))
