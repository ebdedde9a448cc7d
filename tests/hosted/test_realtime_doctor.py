"""`parley doctor` and the profile `realtime`: asked only with --online, and no more than needed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agent.doctor import Check, examine
from agent.realtime.openai import check_realtime
from tests.fakes.providers.faults import Fault, Kind, Plan
from tests.fakes.providers.openai import SPEECH_TO_SPEECH, FakeOpenAI
from tests.hosted.hosts import settings_for


@pytest_asyncio.fixture
async def provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[FakeOpenAI]:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("AGENT_", "LIVEKIT_")):
            monkeypatch.delenv(name)
    values = {"AGENT_CACHE_DIR": str(tmp_path), "AGENT_PROFILE": "realtime"}
    values |= {f"AGENT_{stage}": "simulated" for stage in ("STT", "LLM", "TTS")}
    async with FakeOpenAI().running() as fake:
        values |= {"OPENAI_BASE_URL": fake.api_url, "OPENAI_API_KEY": fake.key}
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        yield fake


async def checks(*, online: bool) -> dict[str, Check]:
    return {check.name: check async for check in examine(online=online)}


async def test_without_online_nobody_is_asked(provider: FakeOpenAI) -> None:
    found = await checks(online=False)
    assert not provider.asked and found["Realtime"].passed
    assert "openai, and behind it simulated" in found["Profile"].detail
    assert "not asked" in found["Realtime"].detail and "takes over" in found["Realtime"].detail


async def test_online_a_session_is_opened_and_nothing_is_said(provider: FakeOpenAI) -> None:
    found = await checks(online=True)
    assert found["Realtime"].passed, found["Realtime"]
    assert found["OpenAI's key"].needed
    assert provider.plans[SPEECH_TO_SPEECH].taken == 1
    assert provider.realtime.asked == []


async def test_a_refused_key_is_a_row_with_a_remedy(
    provider: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "expired")
    found = (await checks(online=True))["Realtime"]
    assert not found.passed and "status 401" in found.detail and "expired" not in found.detail


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault(kind=Kind.STATUS, status=404), "check AGENT_REALTIME"),
        (Fault(kind=Kind.STATUS, status=429), "check the key's limits"),
        (Fault(kind=Kind.HTML), "status 200"),
        (Fault(kind=Kind.RESET), "cannot be reached"),
        (Fault(kind=Kind.STALL), "did not answer within"),
        (Fault(kind=Kind.STALL, after=0), "did not answer within"),
        (Fault(kind=Kind.STATUS, status=429, after=0), "rate_limit_exceeded"),
        (Fault(kind=Kind.GARBAGE, after=0), "not its API"),
    ],
    ids=str,
)
async def test_whatever_the_server_does_is_told_in_a_sentence(
    provider: FakeOpenAI, fault: Fault, sentence: str
) -> None:
    provider.plans[SPEECH_TO_SPEECH] = Plan.always(fault)
    problem = await check_realtime(settings_for(provider), None, timeout_s=0.5)
    assert problem is not None and sentence in problem
