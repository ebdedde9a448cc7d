"""The local engines as a worker's settings name them: the real processes and libraries, no room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from livekit.agents import APIStatusError, tts
from livekit.plugins import llama_cpp
from livekit.plugins.speechcore import EngineError
from pydantic import SecretStr

from agent.config import ConfigError, Settings
from agent.dispatch import CallOptions
from agent.engines import Loaded, Pipeline, build, import_plugins
from agent.local.host import local_host
from agent.local.reach import unreached
from agent.opening import opening_of, reading_elsewhere
from agent.profiles import ProfileError, choose
from tests.contract import llm_checks, stt_checks, tts_checks
from tests.contract.engines import COUNTED, SCRIPTED
from tests.contract.stt_checks import Utterance
from tests.models.hum_kokoro import hum_kokoro
from tests.models.random_whisper import scripted_whisper
from tests.models.tiny_llama import write_tiny_llama
from tests.models.tiny_moonshine import tiny_moonshine
from tests.models.tiny_piper import tiny_piper

PUBLISHED = ("PARLEY_MODELSERVER_SOCKET", "PARLEY_LLAMA_URL", "PARLEY_LLAMA_SLOTS")


@pytest.fixture(autouse=True)
def unpublished(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker puts into the environment goes with the test."""
    for name in PUBLISHED:
        monkeypatch.setenv(name, "")  # so that it is remembered that it was not there
        monkeypatch.delenv(name)


def settings_in(folder: Path, **others: Any) -> Settings:
    """Simulated engines but for what `others` names."""
    defaults = {"agent_profile": "simulated", "agent_language": "auto"}
    return Settings(_env_file=None, agent_cache_dir=folder / "cache", **(defaults | others))


@dataclass(frozen=True)
class Case:
    name: str
    engines: Callable[[Path], dict[str, str]]
    """Settings; the folder keeps what is made."""
    utterance: Utterance
    no_voice: str
    """What its voice says when it is to be another's."""


def _whisper_and_kokoro(folder: Path) -> dict[str, str]:
    files = hum_kokoro()
    (folder / "model.onnx").symlink_to(files.model_path)
    (folder / "voices.bin").symlink_to(files.voices_path)
    whisper = scripted_whisper("what time is it now")
    return {
        "agent_stt": f"faster_whisper:{whisper}",
        "agent_tts": f"kokoro:{folder}",
        "agent_hot_words": "what, time",
    }


def _moonshine_and_piper(folder: Path) -> dict[str, str]:
    (folder / "tiny").symlink_to(tiny_moonshine())
    return {
        "agent_stt": f"moonshine:{folder / 'tiny'}",
        "agent_tts": f"piper:{tiny_piper(folder / 'voice')}",
    }


CASES = (
    Case("faster_whisper, kokoro", _whisper_and_kokoro, SCRIPTED, "no voice 'donald'; it has"),
    Case("moonshine, piper", _moonshine_and_piper, COUNTED, "no speaker 'donald'; it has"),
)


@asynccontextmanager
async def running_call(settings: Settings, folder: Path) -> AsyncIterator[Pipeline]:
    """A worker's engines, and what a call makes of them."""
    choice = choose(settings)
    import_plugins(choice)
    host = local_host(settings, choice, folder)
    assert host is not None
    async with host.running():
        pipeline = build(settings, choice, CallOptions(), Loaded())
        try:
            yield pipeline
        finally:
            await pipeline.aclose()


@pytest.mark.timeout(60)  # a process that loads its models
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_engines_hear_and_speak_as_the_settings_name_them_in_any_language(
    case: Case, folder: Path
) -> None:
    settings = settings_in(
        folder, agent_profile="local", agent_llm="responder", **case.engines(folder)
    )
    async with running_call(settings, folder) as pipeline:
        conversation = await stt_checks.say(pipeline.stt, case.utterance)
        stt_checks.check_understood(conversation, case.utterance)
        voices = [engine for engine in pipeline.members if isinstance(engine, tts.TTS)]
        assert len(voices) == 2, "the one that is named, and espeak behind it"
        for voice in voices:
            assert await _said_s(voice) > 0.2, voice.label


@pytest.mark.timeout(60)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_speed_of_the_settings_or_of_a_call_reaches_voices_in_the_server(
    case: Case, folder: Path
) -> None:
    settings = settings_in(folder, agent_tts=case.engines(folder)["agent_tts"])
    async with running_call(settings, folder) as usual:
        usual_s = await _said_s(usual.speaker)
        for speed in (0.6, 1.5):
            call = CallOptions(speed=speed)
            pipeline = build(settings, choose(settings, call), call, Loaded())
            said_s = await _said_s(pipeline.speaker)
            await pipeline.aclose()
            # What is not the voice's (edges, whole frames) is as long as ever.
            assert said_s < 0.9 * usual_s if speed > 1 else said_s > 1.1 * usual_s
        assert await _said_s(usual.speaker) == usual_s


async def _said_s(voice: tts.TTS) -> float:
    said = await tts_checks.say(voice, "Hello there, how are you today?")
    return sum(audio.frame.duration for audio in said)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_voice_that_is_not_there_is_told_at_the_start(
    case: Case, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    voice = case.engines(folder)["agent_tts"]
    settings = settings_in(folder, agent_tts=voice, agent_voice="donald")
    with pytest.raises(EngineError, match="did not start"):
        async with running_call(settings, folder):
            pass
    assert case.no_voice in capfd.readouterr().err


@pytest.mark.timeout(60)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_voice_that_a_server_elsewhere_does_not_have_is_told_at_the_start(
    case: Case, folder: Path
) -> None:
    settings = settings_in(folder, agent_tts=case.engines(folder)["agent_tts"])
    host = local_host(settings, choose(settings), folder)
    assert host is not None
    async with host.running():
        address = host.addresses.model_server
        here = settings.model_copy(update={"agent_modelserver": address})
        assert await unreached(here, choose(here)) == ""
        wrong = here.model_copy(update={"agent_voice": "donald"})
        with pytest.raises(ConfigError) as caught:
            await unreached(wrong, choose(wrong))
        [sentence] = caught.value.problems
        assert sentence.startswith(f"AGENT_MODELSERVER={address}: ") and case.no_voice in sentence


def test_a_voice_of_a_server_elsewhere_is_described_here_or_said_to_be_missing(
    tmp_path: Path,
) -> None:
    settings = Settings(
        _env_file=None,
        agent_cache_dir=tmp_path,
        agent_profile="simulated",
        agent_tts="piper",
        agent_modelserver="tcp://models.example:7000",
    )
    choice = choose(settings)
    import_plugins(choice)
    with pytest.raises(ProfileError, match="parley download piper"):
        build(settings, choice, CallOptions(), Loaded())


@pytest.mark.timeout(90)  # on a busy machine llama.cpp stands back, and 3000 tokens take their time
async def test_the_first_call_finds_its_instructions_and_tools_read(
    folder: Path,
) -> None:
    settings = Settings(
        _env_file=None,
        agent_cache_dir=folder / "cache",
        agent_profile="simulated",
        agent_llm=f"llama_cpp:{write_tiny_llama(folder / 'tiny.gguf')}",
        agent_llm_context=16_384,  # a token is a byte
        agent_llm_slots=2,
    )
    opening = opening_of(settings)
    asked = opening.chat_ctx.copy()
    asked.add_message(role="user", content="Hello?")
    async with running_call(settings, folder) as first:
        second = build(settings, choose(settings), CallOptions(), Loaded())
        for pipeline in (first, second):
            chunks = await llm_checks.ask(pipeline.llm, asked, tools=opening.tools)
            usage = chunks[-1].usage
            assert usage is not None and usage.prompt_tokens > 3000
            assert usage.prompt_cached_tokens > 0.9 * usage.prompt_tokens
        await second.aclose()


async def test_a_server_of_somebody_s_own_reads_them_beside_the_worker(tmp_path: Path) -> None:
    server = llama_cpp.LlamaServer(
        llama_cpp.ServerOptions(
            model=write_tiny_llama(tmp_path / "tiny.gguf"),
            context_tokens=16_384,
            slots=1,
            threads=1,
            gpu_layers=0,
            niceness=0,
            api_key="sesame",
        )
    )
    server.start(timeout_s=15.0)
    settings = Settings(
        _env_file=None,
        agent_profile="simulated",
        agent_llm=f"llama_cpp:{server.url}",
        agent_llm_server_key=SecretStr("sesame"),
    )
    opening = opening_of(settings)
    asked = opening.chat_ctx.copy()
    asked.add_message(role="user", content="Hello?")
    pipeline = build(settings, choose(settings), CallOptions(), Loaded())
    try:
        async with reading_elsewhere(settings, choose(settings), lambda: False):
            async with asyncio.timeout(20.0):
                while True:
                    slot = await _first_slot(server.url)
                    if "id_task" in slot and not slot["is_processing"]:
                        break
                    await asyncio.sleep(0.05)
            usage = (await llm_checks.ask(pipeline.llm, asked, tools=opening.tools))[-1].usage
        assert usage is not None
        assert usage.prompt_cached_tokens > 0.9 * usage.prompt_tokens > 2700
    finally:
        await pipeline.aclose()
        server.stop()


async def _first_slot(url: str) -> dict[str, object]:
    headers = {"Authorization": "Bearer sesame"}
    async with httpx2.AsyncClient(trust_env=False, headers=headers) as http:
        slots = (await http.get(f"{url}/slots", timeout=2.0)).json()
    return dict(slots[0])


@pytest.mark.parametrize("key", ["sesame", None])
async def test_a_server_of_llama_cpp_gets_the_key_of_the_settings(
    key: str | None, tmp_path: Path
) -> None:
    model = write_tiny_llama(tmp_path / "tiny.gguf")
    server = llama_cpp.LlamaServer(
        llama_cpp.ServerOptions(
            model=model, context_tokens=1024, slots=1, threads=1, gpu_layers=0, api_key="sesame"
        )
    )
    server.start(timeout_s=15.0)
    settings = Settings(
        _env_file=None,
        agent_profile="simulated",
        agent_llm=f"llama_cpp:{server.url}",
        agent_llm_server_key=SecretStr(key) if key else None,
    )
    pipeline = build(settings, choose(settings), CallOptions(), Loaded())
    try:
        if key is None:
            with pytest.raises(APIStatusError, match="set AGENT_LLM_SERVER_KEY"):
                await llm_checks.ask(pipeline.llm, llm_checks.question())
        else:
            assert llm_checks.text_of(await llm_checks.ask(pipeline.llm, llm_checks.question()))
    finally:
        await pipeline.aclose()
        server.stop()
