"""`parley doctor` and the providers: asked only with --online."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agent.doctor import Check, examine
from tests.fakes.providers.deepgram import FakeDeepgram
from tests.fakes.providers.elevenlabs import FakeElevenLabs
from tests.fakes.providers.openai import FakeOpenAI
from tests.fakes.providers.provider import FakeProvider

Providers = tuple[FakeDeepgram, FakeOpenAI, FakeElevenLabs]


@pytest_asyncio.fixture
async def providers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Providers]:
    """The profile `hosted` on fakes, by the environment alone."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("AGENT_", "LIVEKIT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AGENT_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("AGENT_PROFILE", "hosted")
    async with (
        FakeDeepgram().running() as deepgram,
        FakeOpenAI().running() as openai,
        FakeElevenLabs().running() as eleven,
    ):
        for prefix, provider in (("DEEPGRAM", deepgram), ("OPENAI", openai), ("ELEVEN", eleven)):
            monkeypatch.setenv(f"{prefix}_BASE_URL", provider.api_url)
            monkeypatch.setenv(f"{prefix}_API_KEY", provider.key)
        yield deepgram, openai, eleven


async def checks(*, online: bool = False) -> dict[str, Check]:
    return {check.name: check async for check in examine(online=online)}


def contacts(providers: Providers) -> int:
    asked: tuple[FakeProvider, ...] = providers
    return sum(plan.taken for provider in asked for plan in provider.plans.values())


async def test_without_online_nobody_is_asked(providers: Providers) -> None:
    found = await checks()
    assert contacts(providers) == 0
    assert "deepgram and elevenlabs cost" in found["Self-test"].detail
    assert not any("key" in name for name in found)


async def test_online_every_key_is_tried_and_the_engines_talk_to_each_other(
    providers: Providers,
) -> None:
    found = await checks(online=True)
    for name in ("Deepgram's key", "OpenAI's key", "ElevenLabs's key", "Self-test"):
        assert found[name].passed, found[name]
    assert "heard “what can you do”" in found["Self-test"].detail


async def test_flux_which_takes_no_recordings_is_tried_by_a_stream(
    providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_STT", "deepgram:flux-general-en")
    found = await checks(online=True)
    assert found["Self-test"].passed, found["Self-test"]


async def test_a_refused_key_fails_only_when_its_engine_is_used(
    providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "expired")
    assert (await checks(online=True))["OpenAI's key"].needed
    monkeypatch.setenv("AGENT_PROFILE", "embedded")
    found = await checks(online=True)
    assert not found["OpenAI's key"].passed and not found["OpenAI's key"].needed
    assert "expired" not in str(found)


async def test_a_provider_that_says_nothing_is_a_row_of_the_table(providers: Providers) -> None:
    await providers[2].go_down()
    found = await checks(online=True)
    assert "cannot be reached" in found["ElevenLabs's key"].detail
    assert not found["Self-test"].passed


@pytest.mark.usefixtures("providers")
async def test_a_vad_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await checks())["VAD"].detail == "silero"
    monkeypatch.setenv("AGENT_VAD", "webrtc_vad")
    monkeypatch.setitem(sys.modules, "webrtcvad", None)
    vad = (await checks())["VAD"]
    assert not vad.passed and "webrtcvad" in vad.detail
