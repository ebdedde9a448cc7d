"""A worker's answers to livekit's offers, with livekit's own request objects."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from livekit.agents import AssignmentTimeoutError, JobRequest
from livekit.agents.job import JobAcceptArguments, RunningJobInfo
from livekit.protocol.agent import Job
from livekit.protocol.models import Room

from agent import metrics
from agent.config import Settings
from agent.reception import Reception
from tests.fakes.job_server import JobServer


@dataclass
class Offers:
    """livekit's side: jobs that wait for their process until they are `placed`."""

    server: JobServer
    placed: asyncio.Event = field(default_factory=asyncio.Event)
    accepted: list[str] = field(default_factory=list)
    rejected: list[bool] = field(default_factory=list)
    """Each with `terminate`: whether no other worker is to be asked."""
    fails: bool = False

    def request(self, number: int) -> JobRequest:
        job = Job(id=f"AJ_{number}", room=Room(name=f"room-{number}"))

        async def on_accept(arguments: JobAcceptArguments) -> None:
            self.accepted.append(job.id)
            await self.placed.wait()
            if self.fails:
                raise AssignmentTimeoutError
            self.server.running.append(
                RunningJobInfo(arguments, job, url="", token="", worker_id="", fake_job=False)
            )

        async def on_reject(terminate: bool) -> None:
            self.rejected.append(terminate)

        return JobRequest(job=job, on_accept=on_accept, on_reject=on_reject)


@pytest.fixture
def server() -> JobServer:
    return JobServer()


def reception_of(server: JobServer, max_sessions: int = 4) -> Reception:
    settings = Settings.model_validate({"agent_max_sessions": max_sessions})
    reception = Reception(settings, dev=True)
    reception.attach(server)
    return reception


async def test_a_burst_fills_the_worker_and_the_rest_is_for_others(server: JobServer) -> None:
    reception, offers = reception_of(server), Offers(server)
    refused: list[str] = []
    reception.on_refused = refused.append
    answers = [asyncio.create_task(reception.answer(offers.request(n))) for n in range(50)]
    await asyncio.sleep(0)
    assert len(offers.accepted) == 4
    assert offers.rejected == [False] * 46
    assert refused == [f"room-{n}" for n in range(4, 50)]
    assert reception.load() == 1.0
    offers.placed.set()
    await asyncio.gather(*answers)
    assert len(server.running) == 4
    await reception.answer(offers.request(50))
    assert len(offers.rejected) == 47


async def test_a_call_that_ends_makes_room_for_the_next(server: JobServer) -> None:
    reception, offers = reception_of(server, max_sessions=1), Offers(server)
    offers.placed.set()
    await reception.answer(offers.request(1))
    await reception.answer(offers.request(2))
    assert offers.accepted == ["AJ_1"]
    server.running.clear()
    await reception.answer(offers.request(3))
    assert offers.accepted == ["AJ_1", "AJ_3"]


async def test_a_job_that_is_never_assigned_makes_room(server: JobServer) -> None:
    reception, offers = reception_of(server, max_sessions=1), Offers(server, fails=True)
    offers.placed.set()
    with pytest.raises(AssignmentTimeoutError):
        await reception.answer(offers.request(1))
    offers.fails = False
    await reception.answer(offers.request(2))
    assert offers.accepted == ["AJ_1", "AJ_2"]
    assert reception.load() == 1.0


async def test_it_is_ready_from_its_registration_until_it_is_told_to_end(server: JobServer) -> None:
    reception = reception_of(server)
    assert reception.describe()["ready"] is False
    server.emit("worker_registered", "AW_1", None)
    assert reception.describe() == {
        "ready": True,
        "draining": False,
        "calls": 0,
        "max_calls": 4,
        "load": 0.0,
    }
    server.is_draining = True
    assert reception.describe()["ready"] is False
    assert reception.describe()["draining"] is True


async def test_a_worker_that_drains_says_that_it_is_full_and_one_that_does_not_its_load(
    server: JobServer,
) -> None:
    reception = reception_of(server)
    reception.reckon()
    assert reception.load() == 0.0
    server.is_draining = True
    reception.reckon()
    assert reception.load() == 1.0
    (family,) = metrics.FULL.collect()
    assert family.samples[0].value == 1
