"""A model server that cannot be used is told of when a worker starts, not to its first caller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from livekit.plugins.modelserver import EngineConfig, ServerConfig
from livekit.plugins.modelserver.server import ModelServer
from pydantic import SecretStr

from agent.config import ConfigError, Settings
from agent.doctor import examine
from agent.local.reach import unreached
from agent.profiles import choose
from tests.server.dummies import DummyEar, DummyVoice

EAR, VOICE = "faster_whisper:base.en", "kokoro:v1.0"


def settings(
    address: str | None, *, token: str = "right", stt: str = EAR, tts: str = VOICE
) -> Settings:
    return Settings(
        agent_stt=stt,
        agent_llm="responder",
        agent_tts=tts,
        agent_modelserver=address,
        agent_modelserver_token=SecretStr(token),
    )


async def look(settings: Settings) -> str:
    return await unreached(settings, choose(settings))


@pytest_asyncio.fixture
async def address() -> AsyncIterator[str]:
    engines = {EAR: DummyEar(), VOICE: DummyVoice()}
    config = ServerConfig(
        address="tcp://127.0.0.1:0",
        token="right",
        engines=(
            EngineConfig(name=EAR, kind="stt", factory="given"),
            EngineConfig(name=VOICE, kind="tts", factory="given"),
        ),
    )
    server = ModelServer(config, engines)
    yield str(await server.start())
    await server.stop()


async def test_one_that_serves_what_is_needed_is_no_news(address: str) -> None:
    assert await look(settings(address)) == ""


async def test_none_is_looked_for_where_none_is_needed(unused_tcp_port: int) -> None:
    nowhere = f"tcp://127.0.0.1:{unused_tcp_port}"
    assert await look(settings(nowhere, stt="pocketsphinx", tts="espeak")) == ""
    assert await look(settings(None, stt="simulated", tts="espeak")) == ""


async def test_another_token_is_refused_in_one_sentence(address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await look(settings(address, token="wrong"))
    [sentence] = caught.value.problems
    assert "AGENT_MODELSERVER_TOKEN" in sentence and address in sentence
    assert "right" not in sentence and "wrong" not in sentence


async def test_an_engine_that_is_not_served_is_named_beside_those_that_are(address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await look(settings(address, stt="faster_whisper:small.en"))
    [sentence] = caught.value.problems
    assert f"serves {EAR}, {VOICE}, not faster_whisper:small.en" in sentence


async def test_one_that_is_not_there_yet_is_worth_a_warning(unused_tcp_port: int) -> None:
    nowhere = f"tcp://127.0.0.1:{unused_tcp_port}"
    sentence = await look(settings(nowhere))
    assert sentence.startswith(f"no model server can be reached at {nowhere} (Connection refused)")


@pytest.mark.parametrize(("token", "found"), [("right", f"serves {EAR}, {VOICE}"), ("no", "TOKEN")])
async def test_the_doctor_looks_too(
    token: str, found: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "AGENT_STT": EAR,
        "AGENT_LLM": "responder",
        "AGENT_TTS": VOICE,
        "AGENT_MODELSERVER": address,
        "AGENT_MODELSERVER_TOKEN": token,
    }.items():
        monkeypatch.setenv(name, value)
    async for check in examine():
        if check.name == "Model server":
            break
    assert check.name == "Model server"
    assert check.passed == (token == "right")
    assert found in check.detail


async def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="AGENT_MODELSERVER"):
        await look(settings("http://127.0.0.1"))
