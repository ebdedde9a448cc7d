"""What a worker's load is reckoned from, measured on this machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from agent.config import Settings
from agent.gauges import gauging, occupancy
from agent.lateness import FEWEST, share_lateness, tell
from agent.profiles import choose
from agent.reception import Reception
from tests.fakes.eventually import eventually
from tests.fakes.job_server import JobServer


def reception_of(settings: Settings, *, dev: bool) -> Reception:
    reception = Reception(settings, dev=dev)
    reception.attach(JobServer())
    return reception


def status(ready: bool = True, **free: tuple[int, int]) -> dict[str, Any]:
    engines = {name: {"free": n, "capacity": of} for name, (n, of) in free.items()}
    return {"ready": ready, "engines": engines}


def test_a_model_server_is_as_full_as_its_fullest_engine() -> None:
    assert occupancy(status()) == 0.0
    assert occupancy(status(ears=(3, 4), mouth=(1, 4))) == 0.75
    assert occupancy(status(ears=(0, 4))) == 1.0
    assert occupancy(status(ready=False, ears=(4, 4))) == 1.0


async def test_processors_and_late_answers_are_measured_while_the_worker_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLEY_LATENESS", "")  # so that it is as before afterwards
    share_lateness(tmp_path)
    settings = Settings.model_validate({"agent_profile": "simulated"})
    reception = reception_of(settings, dev=False)
    for _ in range(FEWEST):
        tell(0.5, time.monotonic())
    async with gauging(reception, settings, choose(settings)):
        measured = reception.admission.measured
        await eventually(lambda: measured.lateness == 0.5, deadline_s=10)
        await eventually(lambda: measured.cpu > 0, deadline_s=10)
        await eventually(lambda: reception.load() > 0, deadline_s=10)


@pytest.mark.parametrize(
    ("engines", "is_full"),
    [({}, True), ({"agent_stt": "faster_whisper, simulated"}, False)],
    ids=["no other engine", "another engine follows"],
)
async def test_a_model_server_that_is_away_closes_a_worker_that_cannot_do_without(
    engines: dict[str, str], is_full: bool, tmp_path: Path
) -> None:
    given = {
        "agent_stt": "faster_whisper",
        "agent_llm": "simulated",
        "agent_tts": "simulated",
        "agent_modelserver": f"unix:{tmp_path / 'nobody'}",
    }
    settings = Settings.model_validate({**given, **engines})
    reception = reception_of(settings, dev=True)
    async with gauging(reception, settings, choose(settings)):
        measured = reception.admission.measured
        await eventually(lambda: measured.model_server > 0, deadline_s=10)
        assert (measured.model_server >= 1.0) == is_full
