"""Speech from a server with OpenAI's interface: one on this machine, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from livekit.agents import APIConnectionError, APIConnectOptions
from livekit.plugins.openai_speech import TTS, ServerOptions, SpeechServer
from livekit.plugins.openai_speech.body import SoundBody
from livekit.plugins.speechcore import EngineBusy, EngineError, EngineTimeout, Voicing

from agent import engines
from agent.config import load_settings
from agent.dispatch import CallOptions
from agent.profiles import ProfileError, choose
from tests.contract import common_checks, tts_checks
from tests.fakes.speech_server import CHARACTERS_PER_S, FakeSpeechServer

TEXT = "This is what the server is to say."
ONCE = APIConnectOptions(max_retry=0, timeout=5.0)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeSpeechServer]:
    async with FakeSpeechServer().running() as server:
        yield server


async def spoken(
    server: FakeSpeechServer, text: str = TEXT, *, timeout_s: float = 5.0, **options: Any
) -> bytes:
    voicing = options.pop("voicing", Voicing())
    speaker = SpeechServer(ServerOptions(url=server.url, **options))
    try:
        return b"".join(
            [chunk.pcm async for chunk in speaker.speak(text, voicing, timeout_s=timeout_s)]
        )
    finally:
        await speaker.aclose()


def pitch_hz(pcm: bytes, rate_hz: int) -> float:
    samples = np.frombuffer(pcm, dtype=np.int16).astype(float)
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * rate_hz / len(samples))


async def test_as_a_livekit_tts_it_keeps_the_contract(server: FakeSpeechServer) -> None:
    async with TTS(ServerOptions(url=server.url)) as tts:
        common_checks.check_identity(tts)
        common_checks.check_registration(tts)
        await tts_checks.check_speaks(tts)
        await tts_checks.check_unpronounceable_is_silence(tts)
        await tts_checks.check_metrics(tts)
        await tts_checks.check_loop_stays_free(tts)
        await tts.aclose()


async def test_it_asks_as_openai_does_and_needs_no_key(server: FakeSpeechServer) -> None:
    await spoken(server, model="xtts-v2", voice="calm")
    (question,) = server.questions
    assert question == {
        "model": "xtts-v2",
        "input": TEXT,
        "voice": "calm",
        "response_format": "pcm",
        "speed": 1.0,
    }
    assert server.keys == [None]


async def test_a_key_a_voice_and_a_speed_are_passed_on(server: FakeSpeechServer) -> None:
    voicing = Voicing(voice="loud", language="de", speed=1.5)
    await spoken(server, api_key="sesame", voicing=voicing)
    asked = server.questions[0]
    assert (asked["voice"], asked["speed"]) == ("loud", 1.5)
    assert "language" not in asked, "OpenAI's own server refuses what it does not know"
    assert server.keys == ["Bearer sesame"]


@pytest.mark.parametrize(("is_wav", "rate_hz"), [(False, 24_000), (True, 24_000), (True, 16_000)])
@pytest.mark.parametrize("piece_bytes", [1, 4_801])
async def test_pcm_and_wav_of_any_rate_sound_alike(
    server: FakeSpeechServer, is_wav: bool, rate_hz: int, piece_bytes: int
) -> None:
    server.is_wav, server.rate_hz, server.piece_bytes = is_wav, rate_hz, piece_bytes
    server.content_type = "audio/wav" if is_wav else "application/octet-stream"
    text = "Yes" if piece_bytes == 1 else TEXT
    pcm = await spoken(server, text)
    assert len(pcm) / 2 / 24_000 == pytest.approx(len(text) / CHARACTERS_PER_S, abs=0.01)
    assert pitch_hz(pcm, 24_000) == pytest.approx(440, abs=10)


async def test_the_rate_of_raw_sound_may_be_told_in_its_content_type(
    server: FakeSpeechServer,
) -> None:
    server.rate_hz, server.content_type = 16_000, "audio/pcm; rate=16000"
    pcm = await spoken(server)
    assert len(pcm) / 2 / 24_000 == pytest.approx(len(TEXT) / CHARACTERS_PER_S, abs=0.01)
    assert pitch_hz(pcm, 24_000) == pytest.approx(440, abs=5)


async def test_two_channels_become_one(server: FakeSpeechServer) -> None:
    server.is_wav, server.num_channels, server.content_type = True, 2, "audio/wav"
    pcm = await spoken(server)
    assert len(pcm) / 2 / 24_000 == pytest.approx(len(TEXT) / CHARACTERS_PER_S, abs=0.01)
    assert pitch_hz(pcm, 24_000) == pytest.approx(440, abs=5)


async def test_the_first_sound_is_heard_before_the_last_is_made(server: FakeSpeechServer) -> None:
    server.pace_s = 0.02
    speaker = SpeechServer(ServerOptions(url=server.url))
    chunks = speaker.speak(TEXT * 5, timeout_s=5.0)
    assert (await anext(chunks)).pcm
    assert server.pieces_sent < 5
    await chunks.aclose()
    await speaker.aclose()


async def test_a_cancelled_text_hangs_up(server: FakeSpeechServer) -> None:
    server.pace_s = 0.01
    async with TTS(ServerOptions(url=server.url)) as tts:
        await tts_checks.check_interruption(tts)
        sent = server.pieces_sent
        await asyncio.sleep(0.1)
        assert server.pieces_sent == sent, "the server speaks on"


async def test_a_server_that_says_nothing_in_time_is_given_up(server: FakeSpeechServer) -> None:
    server.pace_s = 30.0
    async with TTS(ServerOptions(url=server.url)) as tts:
        await tts_checks.check_deadline_is_kept(tts)
    with pytest.raises(EngineTimeout, match="did not answer within 0.1 s"):
        await spoken(server, timeout_s=0.1)


async def test_no_server_at_the_url_is_one_sentence() -> None:
    nobody = FakeSpeechServer(url="http://127.0.0.1:9/v1")
    with pytest.raises(EngineError, match="127.0.0.1:9/v1 cannot be reached: is it running"):
        await spoken(nobody)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ({"error": {"message": "there is no voice alloy"}}, "there is no voice alloy"),
        ({"detail": "model not loaded"}, "model not loaded"),
        ({"detail": [{"loc": ["body"], "input": TEXT}]}, "Unprocessable"),
        ({"error": f"cannot say {TEXT!r}"}, "Unprocessable"),
        ("oops", "Unprocessable"),
    ],
)
async def test_a_refusal_is_one_sentence_without_the_text(
    server: FakeSpeechServer, error: Any, says: str
) -> None:
    server.status, server.error = 422, error
    with pytest.raises(EngineError, match=f"refuses: 422, .*{says}") as caught:
        await spoken(server)
    assert TEXT not in str(caught.value)


async def test_a_server_that_is_full_is_not_asked_again(server: FakeSpeechServer) -> None:
    server.status, server.error = 503, {"detail": "busy"}
    with pytest.raises(EngineBusy):
        await spoken(server)


async def test_other_sound_is_refused(server: FakeSpeechServer) -> None:
    server.content_type = "audio/mpeg"
    with pytest.raises(EngineError, match="sends audio/mpeg"):
        await spoken(server)


async def test_a_connection_that_breaks_is_an_error_livekit_knows(
    server: FakeSpeechServer,
) -> None:
    server.breaks_off_after = 2
    async with TTS(ServerOptions(url=server.url)) as tts:
        with pytest.raises(APIConnectionError, match="broke off"):
            await tts_checks.say(tts, TEXT, ONCE)


async def test_a_failure_is_reported_and_the_next_text_is_spoken(
    server: FakeSpeechServer,
) -> None:
    server.status, server.error = 500, {}
    async with TTS(ServerOptions(url=server.url)) as tts:
        await common_checks.check_failure(tts, tts_checks.say(tts, TEXT))
        server.status = 200
        assert await tts_checks.say(tts, TEXT)


async def test_the_connection_is_kept_for_the_next_text(server: FakeSpeechServer) -> None:
    async with TTS(ServerOptions(url=server.url)) as tts:
        for _ in range(3):
            await tts_checks.say(tts, TEXT)
    assert len(server.questions) == 3
    with pytest.raises(APIConnectionError, match="closed"):
        await tts_checks.say(tts, TEXT, ONCE)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "file:///etc/passwd"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(EngineError, match="must be http"):
        ServerOptions(url=url)


async def test_the_key_of_the_settings_reaches_the_server_and_no_log(
    server: FakeSpeechServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AGENT_PROFILE", "simulated")
    monkeypatch.setenv("AGENT_TTS", f"openai_speech:{server.url}")
    monkeypatch.setenv("AGENT_SPEECH_SERVER_KEY", "sesame")
    settings = load_settings(env_file=None)
    choice = choose(settings)
    engines.import_plugins(choice)
    with caplog.at_level("DEBUG"):
        pipeline = engines.build(settings, choice, CallOptions(), engines.Loaded())
        async with pipeline.speaker.synthesize(TEXT) as speech:
            assert [event async for event in speech]
        await pipeline.aclose()
    assert server.keys == ["Bearer sesame"]
    assert "sesame" not in caplog.text + repr(settings)


@pytest.mark.parametrize(
    ("query", "model"),
    [
        ("", "tts-1"),
        ("?model=kokoro", "kokoro"),
        ("?model=speaches-ai%2FKokoro-82M", "speaches-ai/Kokoro-82M"),
    ],
)
async def test_the_model_that_the_address_names_is_asked_for(
    server: FakeSpeechServer, monkeypatch: pytest.MonkeyPatch, query: str, model: str
) -> None:
    monkeypatch.setenv("AGENT_PROFILE", "simulated")
    monkeypatch.setenv("AGENT_TTS", f"openai_speech:{server.url}{query}")
    settings = load_settings(env_file=None)
    choice = choose(settings)
    engines.import_plugins(choice)
    pipeline = engines.build(settings, choice, CallOptions(), engines.Loaded())
    async with pipeline.speaker.synthesize(TEXT) as speech:
        assert [event async for event in speech]
    await pipeline.aclose()
    assert [question["model"] for question in server.questions] == [model]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?modell=kokoro", "knows .model=NAME and no 'modell'"),
        ("?model=", "names no model"),
    ],
)
def test_a_parameter_that_the_address_does_not_know_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, query: str, sentence: str
) -> None:
    monkeypatch.setenv("AGENT_PROFILE", "simulated")
    monkeypatch.setenv("AGENT_TTS", f"openai_speech:http://127.0.0.1:9/v1{query}")
    with pytest.raises(ProfileError, match=sentence) as caught:
        engines.check_engines(load_settings(env_file=None))
    assert "\n" not in str(caught.value)


def test_the_key_is_not_shown() -> None:
    assert "sesame" not in repr(ServerOptions(url="http://127.0.0.1", api_key="sesame"))


@pytest.mark.parametrize(
    "wav",
    [
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x03\0\x01\0\x80\xbb\0\0\0\0\0\0\0\0\x20\0",
        b"RIFF" + b"LIST\xff\xff\0\0" * 20_000,
    ],
    ids=["floating point", "no sound"],
)
def test_wav_that_cannot_be_played_is_refused(wav: bytes) -> None:
    with pytest.raises(EngineError, match="WAV"):
        SoundBody("audio/wav", 24_000).push(wav)
