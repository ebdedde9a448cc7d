"""`parley doctor` and the noise filter."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent.doctor import Check, examine

ROW = "Noise filter"


@pytest.fixture(autouse=True)
def simulated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGENT_PROFILE", "simulated")
    monkeypatch.setenv("AGENT_CACHE_DIR", str(tmp_path))


async def row() -> Check:
    return {check.name: check async for check in examine()}[ROW]


@pytest.mark.parametrize(
    ("setting", "detail"),
    [
        ("off", "off"),
        ("auto", "highpass, rnnoise: switched on and off by the noise"),
        ("gate,gain", "gate, gain: always on"),
    ],
)
async def test_it_says_what_is_set(
    setting: str, detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_NOISE", setting)
    found = await row()
    assert (found.passed, found.detail) == (True, detail)


@pytest.mark.parametrize(("setting", "needed"), [("on", True), ("auto", False)])
async def test_rnnoise_that_is_missing_fails_where_it_was_asked_for(
    setting: str, needed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_NOISE", setting)
    monkeypatch.setitem(sys.modules, "pyrnnoise", None)
    found = await row()
    assert (found.passed, found.needed) == (False, needed)
    assert "install the 'denoise' extra" in found.detail
