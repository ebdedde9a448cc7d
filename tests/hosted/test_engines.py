"""The hosted engines as Parley sets them up, against the fake providers."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from livekit.agents import stt

from agent.config import Settings
from agent.dispatch import CallOptions
from agent.engine_spec import EngineSpec
from agent.engines import Loaded, build, import_plugins
from agent.hosted.deepgram import deepgram_stt
from agent.hosted.elevenlabs import elevenlabs_tts
from agent.hosted.openai import openai_llm, openai_stt, openai_tts
from agent.profiles import ProfileError, choose
from agent.turns.stt_events import pause_score_of
from tests.fakes.audio import frames
from tests.fakes.eventually import eventually
from tests.fakes.providers import elevenlabs as fake_elevenlabs
from tests.fakes.providers import openai as fake_openai
from tests.fakes.providers.coded_speech import say
from tests.fakes.providers.deepgram import EAGER, SURE, FakeDeepgram
from tests.fakes.providers.elevenlabs import FakeElevenLabs
from tests.fakes.providers.faults import Fault, Kind, Plan
from tests.fakes.providers.openai import FakeOpenAI
from tests.fakes.providers.provider import KEY, FakeProvider
from tests.hosted.hosts import settings_for
from tests.hosted.trials import ONCE, QUESTION, SENTENCE, SPOKEN, ask, listen, recognise, speak

EAR, MIND, MOUTH = (EngineSpec(name=name) for name in ("deepgram", "openai", "elevenlabs"))


@pytest_asyncio.fixture
async def deepgram() -> AsyncIterator[FakeDeepgram]:
    async with FakeDeepgram().running() as provider:
        yield provider


@pytest_asyncio.fixture
async def openai() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI().running() as provider:
        yield provider


@pytest_asyncio.fixture
async def eleven() -> AsyncIterator[FakeElevenLabs]:
    async with FakeElevenLabs().running() as provider:
        yield provider


def model(name: str, of: str) -> EngineSpec:
    return EngineSpec(name=of, model=name)


def only_query(provider: FakeProvider, path: str) -> dict[str, str]:
    """Of the one request there was."""
    (asked,) = provider.asked
    assert asked.path == path
    return asked.query


async def test_nothing_is_contacted_when_engines_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    keys = dict.fromkeys(("deepgram_api_key", "openai_api_key", "eleven_api_key"), KEY)
    settings = Settings.model_validate({"agent_profile": "hosted", **keys})
    choice = choose(settings)
    assert choice.engines == {"stt": "deepgram", "llm": "openai", "tts": "elevenlabs, espeak"}
    import_plugins(choice)
    pipeline = build(settings, choice, CallOptions(), Loaded())
    await asyncio.sleep(0.05)
    await pipeline.aclose()


def test_nothing_is_contacted_when_the_modules_are_imported() -> None:
    program = """
import socket
def refuse(*_): raise AssertionError("a connection at import")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
import agent.hosted.deepgram, agent.hosted.elevenlabs, agent.hosted.keys, agent.hosted.openai
from livekit.plugins import deepgram, elevenlabs, openai
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_choosing_engines_does_not_load_the_plugins() -> None:
    program = "import agent.profiles, sys; assert 'livekit.plugins.openai' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.usefixtures("http")
async def test_nova_is_asked_for_the_quickest_results(deepgram: FakeDeepgram) -> None:
    engine = deepgram_stt(settings_for(deepgram), EAR, "en")
    assert (await listen(engine)).text == QUESTION
    await engine.aclose()
    wanted = {
        "model": "nova-3",
        "language": "en",
        "interim_results": "true",
        "no_delay": "true",
        "smart_format": "false",
        "endpointing": "25",
        "filler_words": "true",
        "punctuate": "true",
    }
    assert wanted.items() <= only_query(deepgram, "/v1/listen").items()


@pytest.mark.usefixtures("http")
async def test_a_flush_gives_novas_text_without_waiting_for_quiet(deepgram: FakeDeepgram) -> None:
    engine = deepgram_stt(settings_for(deepgram), EAR, "en")
    assert engine.capabilities.manual_flush
    async with engine.stream(conn_options=ONCE) as stream:
        for frame in frames(say(QUESTION, 16_000), 16_000):
            stream.push_frame(frame)
        stream.flush()
        texts = [
            event.alternatives[0].text
            async for event in _until_final(stream)
            if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT
        ]
    await engine.aclose()
    assert texts == [QUESTION]
    assert {"type": "Finalize"} in deepgram.messages


@pytest.mark.usefixtures("http")
async def test_flux_is_chosen_by_its_name_and_says_how_sure_it_is_of_an_end(
    deepgram: FakeDeepgram,
) -> None:
    engine = deepgram_stt(settings_for(deepgram), model("flux-general-en", "deepgram"), "en")
    told: list[tuple[stt.SpeechEventType, float | None]] = []
    async with engine.stream(conn_options=ONCE) as stream:
        for frame in frames(say(QUESTION, 16_000) + bytes(16_000), 16_000):
            stream.push_frame(frame)
        async for event in stream:
            if event.type is stt.SpeechEventType.END_OF_SPEECH:
                break
            if event.alternatives:
                told.append((event.type, pause_score_of(event)))
    await engine.aclose()
    assert deepgram.asked[0].path == "/v2/listen"
    assert set(told[:-3]) == {(stt.SpeechEventType.INTERIM_TRANSCRIPT, None)}
    assert told[-3:] == [
        (stt.SpeechEventType.PREFLIGHT_TRANSCRIPT, EAGER),
        (stt.SpeechEventType.PREFLIGHT_TRANSCRIPT, SURE),
        (stt.SpeechEventType.FINAL_TRANSCRIPT, None),
    ]


@pytest.mark.parametrize(
    ("name", "language", "expected"),
    [
        ("nova-3", "auto", {"language": "multi"}),
        ("nova-3", "de", {"language": "de"}),
        ("flux-general-multi", "de", {"language_hint": "de"}),
    ],
)
@pytest.mark.usefixtures("http")
async def test_deepgram_is_told_the_callers_language(
    deepgram: FakeDeepgram, name: str, language: str, expected: dict[str, str]
) -> None:
    engine = deepgram_stt(settings_for(deepgram), model(name, "deepgram"), language)
    async with engine.stream(conn_options=ONCE):
        await eventually(lambda: deepgram.asked)
    await engine.aclose()
    assert expected.items() <= deepgram.asked[0].query.items()


async def test_the_language_model_answers_and_can_be_another_one(openai: FakeOpenAI) -> None:
    async with openai_llm(settings_for(openai), MIND) as engine:
        assert (await ask(engine, "Hi.")).text == "I heard Hi.."
    async with openai_llm(settings_for(openai), model("gpt-5.4-mini", "openai")) as engine:
        await ask(engine)
    bodies = [asked.body for asked in openai.asked]
    assert [body["model"] for body in bodies] == ["gpt-4.1-mini", "gpt-5.4-mini"]
    assert bodies[1]["reasoning_effort"] == "none"
    assert "service_tier" not in bodies[0]


async def test_a_quicker_tier_is_asked_for_by_setting(openai: FakeOpenAI) -> None:
    settings = settings_for(openai, openai_service_tier="priority")
    async with openai_llm(settings, MIND) as engine:
        await ask(engine)
    assert openai.asked[0].body["service_tier"] == "priority"


async def test_a_failed_request_is_sent_once(openai: FakeOpenAI) -> None:
    openai.plans[fake_openai.CHAT] = Plan.always(Fault(kind=Kind.STATUS, status=500))
    async with openai_llm(settings_for(openai), MIND) as engine:
        assert (await ask(engine)).end == "APIStatusError 500"
    assert openai.plans[fake_openai.CHAT].taken == 1


@pytest.mark.usefixtures("http")
async def test_openais_realtime_ears_give_words_while_they_are_said(openai: FakeOpenAI) -> None:
    engine = openai_stt(settings_for(openai), MIND, "en")
    assert engine.capabilities.interim_results
    assert (await listen(engine)).text == QUESTION
    await engine.aclose()
    assert openai.asked[0].path == "/v1/realtime"


async def test_other_models_of_openai_get_recordings(openai: FakeOpenAI) -> None:
    engine = openai_stt(settings_for(openai), model("whisper-1", "openai"), "de")
    assert not engine.capabilities.streaming
    assert (await recognise(engine)).text == QUESTION
    await engine.aclose()
    sent = openai.asked[0].body
    assert (sent["model"], sent["language"]) == ("whisper-1", "de")


@pytest.mark.parametrize(
    ("fault", "end"),
    [
        (Fault(kind=Kind.STATUS, status=401), "APIStatusError 401 final"),
        (Fault(kind=Kind.STATUS, status=429), "APIStatusError 429"),
        (Fault(kind=Kind.HTML), "APIStatusError 200"),
        (Fault(kind=Kind.RESET), "APIConnectionError"),
        (Fault(kind=Kind.STALL), "APITimeoutError"),
    ],
)
@pytest.mark.usefixtures("http")
async def test_openais_realtime_ears_fail_as_livekit_expects(
    openai: FakeOpenAI, fault: Fault, end: str
) -> None:
    openai.plans[fake_openai.REALTIME] = Plan.always(fault)
    engine = openai_stt(settings_for(openai), MIND, "en")
    outcome = await listen(engine)
    await engine.aclose()
    assert outcome.end == end


async def test_openais_voice_sends_sound_that_needs_no_decoding(openai: FakeOpenAI) -> None:
    engine = openai_tts(settings_for(openai), MIND, "coral", speed=1.2)
    assert (await speak(engine)).text == SPOKEN
    await engine.aclose()
    sent = openai.asked[0].body
    assert sent["response_format"] == "pcm"
    assert (sent["model"], sent["voice"]) == ("gpt-4o-mini-tts", "coral")
    assert sent["speed"] == 1.2


async def test_a_web_page_is_neither_an_answer_nor_played(openai: FakeOpenAI) -> None:
    page = Fault(kind=Kind.HTML)
    openai.plans[fake_openai.CHAT] = Plan.always(page)
    openai.plans[fake_openai.SPEECH] = Plan.always(page)
    settings = settings_for(openai)
    async with openai_llm(settings, MIND) as engine:
        answered = await ask(engine)
    voice = openai_tts(settings, MIND)
    spoken = await speak(voice)
    await voice.aclose()
    assert (answered.end, spoken.end) == ("APIConnectionError", "APIConnectionError")
    assert "web page" in str(answered.error) and "web page" in str(spoken.error)
    assert not spoken.got


@pytest.mark.usefixtures("http")
async def test_eleven_labs_is_asked_for_the_quickest_first_sound(eleven: FakeElevenLabs) -> None:
    engine = elevenlabs_tts(settings_for(eleven), MOUTH, "en", "some-voice")
    assert engine.sample_rate == 24_000
    assert (await speak(engine)).text == SPOKEN
    await engine.aclose()
    wanted = {
        "model_id": "eleven_flash_v2_5",
        "output_format": "pcm_24000",
        "auto_mode": "true",
        "sync_alignment": "true",
        "language_code": "en",
    }
    path = "/v1/text-to-speech/some-voice/multi-stream-input"
    assert wanted.items() <= only_query(eleven, path).items()


@pytest.mark.usefixtures("http")
@pytest.mark.parametrize(("speed", "told"), [(1.0, None), (0.8, 0.8), (0.5, 0.7), (2.0, 1.2)])
async def test_eleven_labs_is_told_only_another_speed_than_the_voices_own(
    speed: float, told: float | None, eleven: FakeElevenLabs
) -> None:
    engine = elevenlabs_tts(settings_for(eleven), MOUTH, "en", speed=speed)
    async with engine.synthesize(SENTENCE, conn_options=ONCE) as stream:
        assert [audio async for audio in stream]
    await engine.aclose()
    voice_settings = eleven.asked[0].body["voice_settings"]
    assert (voice_settings["speed"] if voice_settings else None) == told


@pytest.mark.usefixtures("http")
async def test_a_short_first_sentence_sounds_before_the_next_one_is_written(
    eleven: FakeElevenLabs,
) -> None:
    engine = elevenlabs_tts(settings_for(eleven), MOUTH, "en")
    async with engine.stream(conn_options=ONCE) as stream:
        stream.push_text("Sure. I can")
        first = await anext(aiter(stream))
    await engine.aclose()
    assert first.frame.duration > 0


@pytest.mark.usefixtures("http")
async def test_a_line_that_is_dead_without_a_sign_holds_up_one_text() -> None:
    async with FakeElevenLabs().running() as eleven:
        eleven.plans[fake_elevenlabs.SPEECH] = Plan.nth(2, Fault(kind=Kind.HALF_OPEN, after=0))
        engine = elevenlabs_tts(settings_for(eleven), MOUTH, "en")
        texts = [(await speak(engine)).text]
        async with engine.stream(conn_options=ONCE) as given_up:
            given_up.push_text(SENTENCE)
            given_up.end_input()
            await eventually(lambda: eleven.plans[fake_elevenlabs.SPEECH].taken == 2)
        texts += [(await speak(engine)).text for _ in range(2)]
        assert eleven.sockets == 2
    await engine.aclose()  # after its server: nobody is there to say goodbye to
    assert texts == [SPOKEN] * 3


@pytest.mark.parametrize("profile_engine", ["stt", "llm", "tts"])
def test_a_key_that_cannot_be_one_stops_the_start_with_its_sentence(profile_engine: str) -> None:
    variable = {"stt": "deepgram_api_key", "llm": "openai_api_key", "tts": "eleven_api_key"}
    keys = dict.fromkeys(variable.values(), "sesame") | {variable[profile_engine]: "a\nb"}
    settings = Settings.model_validate({"agent_profile": "hosted", **keys})
    with pytest.raises(ProfileError, match=f"{variable[profile_engine].upper()} has a line break"):
        choose(settings)


@pytest.mark.usefixtures("http")
async def test_an_expired_key_in_mid_call_is_no_silence(
    deepgram: FakeDeepgram, openai: FakeOpenAI, eleven: FakeElevenLabs
) -> None:
    settings = settings_for(deepgram, openai, eleven)
    ear = deepgram_stt(settings, EAR, "en")
    mouth = elevenlabs_tts(settings, MOUTH, "en")
    async with openai_llm(settings, MIND) as mind:
        trials: list[tuple[Any, Any]] = [(listen, ear), (ask, mind), (speak, mouth)]
        before = [(await trial(engine)).end for trial, engine in trials]
        for provider in (deepgram, openai, eleven):
            provider.key = "another"
        await eleven.inject(Fault(kind=Kind.STATUS, status=401))
        after = [(await trial(engine)).end for trial, engine in trials]
    await ear.aclose()
    await mouth.aclose()
    assert before == ["done"] * 3
    assert after == ["APIStatusError 401 final"] * 3


async def _until_final(stream: stt.RecognizeStream) -> AsyncIterator[stt.SpeechEvent]:
    async for event in stream:
        yield event
        if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
            return
