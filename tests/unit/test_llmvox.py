"""Speech from LLMVoX's streaming server: one on this machine, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from livekit.agents import APIConnectionError, APIConnectOptions
from livekit.plugins.llmvox import TTS, LLMVoxServer
from livekit.plugins.llmvox.sound import FloatSound
from livekit.plugins.speechcore import EngineBusy, EngineError, EngineTimeout

from agent import engines
from agent.config import Settings
from agent.dispatch import CallOptions
from agent.profiles import ProfileError, choose
from tests.contract import common_checks, tts_checks
from tests.fakes.llmvox import FakeLLMVox
from tests.fakes.speech_server import CHARACTERS_PER_S

TEXT = "This is what the server is to read."
ONCE = APIConnectOptions(max_retry=0, timeout=5.0)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeLLMVox]:
    async with FakeLLMVox().running() as server:
        yield server


async def spoken(server: FakeLLMVox, *, timeout_s: float = 5.0) -> bytes:
    speaker = LLMVoxServer(server.url)
    try:
        return b"".join([chunk.pcm async for chunk in speaker.speak(TEXT, timeout_s=timeout_s)])
    finally:
        await speaker.aclose()


async def test_as_a_livekit_tts_it_keeps_the_contract(server: FakeLLMVox) -> None:
    async with TTS(server.url) as tts:
        common_checks.check_identity(tts)
        common_checks.check_registration(tts)
        await tts_checks.check_speaks(tts)
        await tts_checks.check_unpronounceable_is_silence(tts)
        await tts_checks.check_metrics(tts)
        await tts_checks.check_loop_stays_free(tts)
        await tts.aclose()


@pytest.mark.parametrize("piece_bytes", [7, 9_603])
async def test_its_floats_become_the_sound_they_are(server: FakeLLMVox, piece_bytes: int) -> None:
    server.piece_bytes = piece_bytes
    pcm = await spoken(server)
    assert server.questions == [{"text": TEXT}]
    samples = np.frombuffer(pcm, dtype="<i2").astype(float)
    assert len(samples) / 24_000 == pytest.approx(len(TEXT) / CHARACTERS_PER_S, abs=0.001)
    pitch_hz = float(np.argmax(np.abs(np.fft.rfft(samples))) * 24_000 / len(samples))
    assert pitch_hz == pytest.approx(440, abs=5)


async def test_a_cancelled_text_hangs_up(server: FakeLLMVox) -> None:
    server.pace_s = 0.01
    async with TTS(server.url) as tts:
        await tts_checks.check_interruption(tts)
        sent = server.pieces_sent
        await asyncio.sleep(0.1)
        assert server.pieces_sent == sent, "the server speaks on"


async def test_a_server_that_says_nothing_in_time_is_given_up(server: FakeLLMVox) -> None:
    server.pace_s = 30.0
    with pytest.raises(EngineTimeout, match="did not answer within 0.1 s"):
        await spoken(server, timeout_s=0.1)


async def test_a_refusal_does_not_repeat_the_text(server: FakeLLMVox) -> None:
    server.status, server.error = 422, {"detail": TEXT}
    with pytest.raises(EngineError, match="refuses: 422") as caught:
        await spoken(server)
    assert TEXT not in str(caught.value)


async def test_a_server_that_is_full_is_not_asked_again(server: FakeLLMVox) -> None:
    server.status = 503
    with pytest.raises(EngineBusy):
        await spoken(server)


async def test_an_answer_that_breaks_off_is_no_whole_one(server: FakeLLMVox) -> None:
    server.breaks_off_after = 2
    async with TTS(server.url) as tts:
        with pytest.raises(APIConnectionError, match="broke off"):
            await tts_checks.say(tts, TEXT, ONCE)


async def test_no_server_at_the_url_is_one_sentence() -> None:
    with pytest.raises(EngineError, match="127.0.0.1:9 cannot be reached: is it running"):
        await spoken(FakeLLMVox(url="http://127.0.0.1:9"))


@pytest.mark.parametrize("url", ["", "127.0.0.1:5003", "ws://127.0.0.1:5003", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(EngineError, match="must be http://host:port"):
        LLMVoxServer(url)


async def test_it_is_set_by_its_address(server: FakeLLMVox) -> None:
    settings = Settings.model_validate(
        {"agent_profile": "simulated", "agent_tts": f"llmvox:{server.url}"}
    )
    choice = choose(settings)
    engines.import_plugins(choice)
    pipeline = engines.build(settings, choice, CallOptions(), engines.Loaded())
    async with pipeline.speaker.synthesize(TEXT) as speech:
        assert [event async for event in speech]
    await pipeline.aclose()
    assert server.questions


def test_without_an_address_it_is_one_sentence() -> None:
    settings = Settings.model_validate({"agent_profile": "simulated", "agent_tts": "llmvox"})
    with pytest.raises(ProfileError, match="write the server's address, llmvox:http://host:port"):
        engines.build(settings, choose(settings), CallOptions(), engines.Loaded())


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_any_bytes_are_whole_samples(pieces: list[bytes]) -> None:
    sound = FloatSound()
    pcm = b"".join(sound.push(piece) for piece in pieces)
    assert len(pcm) // 2 == len(b"".join(pieces)) // 4
