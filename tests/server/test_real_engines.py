"""The real faster-whisper and kokoro-onnx in the model server, on generated models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from livekit.plugins.faster_whisper import STT
from livekit.plugins.kokoro import TTS
from livekit.plugins.modelserver import (
    EngineConfig,
    ModelServerClient,
    RemoteRecogniser,
    RemoteSynthesiser,
    ServerConfig,
)
from livekit.plugins.speechcore import Transcript

from tests.contract.stt_checks import Conversation, EventType
from tests.fakes.audio import speech_like
from tests.fakes.heartbeat import Heartbeat
from tests.models.hum_kokoro import hum_kokoro
from tests.models.random_whisper import scripted_whisper
from tests.server.test_process import START_S, supervised
from tests.server.trial import PATIENT_S

HEARD = "what time is it now"
REPLY = "It is a quarter past seven. The shops close at eight, so there is some time left."
CALLS = 8
SPEECH = speech_like(2.2, ((0.2, 1.6),), 16_000)
STEP_BYTES = 2 * 16_000 // 25

pytestmark = pytest.mark.timeout(60)


@pytest_asyncio.fixture
async def address(folder: Path) -> AsyncIterator[str]:
    """Of a server of its own process, with both engines on one lane."""
    whisper = scripted_whisper(HEARD, english_only=True)
    files = hum_kokoro()
    (folder / "model.onnx").symlink_to(files.model_path)
    (folder / "voices.bin").symlink_to(files.voices_path)
    ear = {"path": str(whisper), "language": "en", "max_sessions": CALLS, "threads": 1}
    voice = {"path": str(folder), "model": "hum", "threads": 1}
    config = ServerConfig(
        address=f"unix:{folder / 'models.sock'}",
        engines=(
            EngineConfig(
                name="ear",
                kind="stt",
                factory="agent.local.factories:faster_whisper",
                options=ear,
                capacity=CALLS,
                lane="cpu",
            ),
            EngineConfig(
                name="voice",
                kind="tts",
                factory="agent.local.factories:kokoro",
                options=voice,
                capacity=CALLS,
                lane="cpu",
            ),
        ),
        health_port=None,
    )
    server = supervised(config)
    await server.start(timeout_s=START_S)
    yield config.address
    await server.aclose()


async def _hear(client: ModelServerClient) -> tuple[list[Transcript], Transcript]:
    """The interims and the final text of a call's speech, sent three times as fast as it is said."""
    interims: list[Transcript] = []
    ear = RemoteRecogniser(client, "ear", sample_rate_hz=16_000)
    listener = ear.listen(timeout_s=15.0, language="en", on_update=interims.append)
    for begin in range(0, len(SPEECH), STEP_BYTES):
        await listener.accept(SPEECH[begin : begin + STEP_BYTES])
        await asyncio.sleep(0.013)
    final = await listener.finish()
    listener.close()
    return interims, final


async def _speak(client: ModelServerClient) -> tuple[bytes, str]:
    """A reply's sound, and its words by their times."""
    voice = RemoteSynthesiser(client, "voice", sample_rate_hz=24_000)
    chunks = [chunk async for chunk in voice.speak(REPLY, timeout_s=15.0)]
    words = [word for chunk in chunks for word in chunk.words]
    assert [word.start_s for word in words] == sorted(word.start_s for word in words)
    return b"".join(chunk.pcm for chunk in chunks), "".join(word.text for word in words)


async def _call(address: str) -> tuple[str, bytes, str]:
    client = ModelServerClient(address, dead_after_s=PATIENT_S)
    try:
        interims, final = await _hear(client)
        assert not interims or final.text.startswith(interims[0].text.split()[0])
        return final.text, *await _speak(client)
    finally:
        client.close()


async def test_eight_calls_at_once_are_heard_and_spoken_to(address: str) -> None:
    async with Heartbeat() as heartbeat:
        calls = await asyncio.gather(*(_call(address) for _ in range(CALLS)))
    assert heartbeat.longest_block_s < 0.05
    (text, pcm, words) = calls[0]
    assert text.lower().rstrip(".") == HEARD
    assert "".join(words.split()) == "".join(REPLY.split())
    assert len(pcm) > 2 * 24_000
    assert all(call == calls[0] for call in calls), "calls got into each other's way"


async def test_the_plugins_do_not_know_that_their_engine_is_elsewhere(address: str) -> None:
    client = ModelServerClient(address, dead_after_s=PATIENT_S)
    ear = RemoteRecogniser(client, "ear", sample_rate_hz=16_000)
    async with STT(engine=ear) as stt, Conversation(stt, rate_hz=16_000) as conversation:
        await conversation.hear(SPEECH)
        final = await conversation.flush()
        assert final.alternatives[0].text.lower().rstrip(".") == HEARD
        early = conversation.of(EventType.PREFLIGHT_TRANSCRIPT, EventType.INTERIM_TRANSCRIPT)
        assert early, "nothing was told before the flush"
    voice = RemoteSynthesiser(client, "voice", sample_rate_hz=24_000)
    async with TTS(engine=voice) as tts:
        frame = await tts.synthesize(REPLY).collect()
    assert frame.duration > 1.0
    client.close()
