"""The worker's look-out over a fake server: which of the jobs that end are followed by another."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from livekit import api
from livekit.agents import AgentServer
from livekit.agents.job import JobAcceptArguments, RunningJobInfo
from livekit.protocol.agent import Job
from livekit.protocol.models import Room

from agent.continuity import FileStore
from agent.continuity.lookout import Lookout
from agent.continuity.patrol import Listed
from agent.continuity.rescue import ARRIVAL_S, TAKING_S, Dispatch, RoomView
from agent.continuity.rooms import Rooms
from agent.continuity.waiting import is_mark
from tests.fakes.eventually import eventually
from tests.unit.continuity.conversations import conversation


class Worker(AgentServer):
    """Its jobs are what the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.running: list[RunningJobInfo] = []

    @property
    def active_jobs(self) -> list[RunningJobInfo]:
        return self.running


class FakeRooms(Rooms):
    """Rooms as the test says; keeps what is done to them."""

    def __init__(self) -> None:
        self.views: dict[str, RoomView] = {}
        self.done: list[tuple[str, ...]] = []
        self.is_away = False
        self.are_many = False
        """So that those of the test are not among the few that are looked at."""
        self.looks = 0
        self.mute: set[str] = set()
        """Rooms of which the server tells nothing."""
        self.silent: set[str] = set()
        """Agents whose machine is gone."""
        self.asked: list[str] = []

    async def listed(self) -> dict[str, Listed]:
        self._check()
        names = [] if self.are_many else list(self.views)
        return {name: Listed(participants=1, publishers=2) for name in names}

    async def look(self, room: str) -> RoomView | None:
        self._check()
        self.looks += 1
        if room in self.mute:
            await asyncio.Event().wait()
        return self.views.get(room)

    async def is_silent(self, room: str, identity: str, patience_s: float) -> bool:
        self.asked.append(identity)
        return identity in self.silent

    async def bring_agent(self, room: str, metadata: str) -> None:
        self.done.append(("bring", room, metadata))
        self.views[room] = view(agents=frozenset({"agent-new"}))

    async def mark(self, room: str, metadata: str) -> None:
        assert is_mark(metadata)
        self.done.append(("mark", room))

    async def remove(self, room: str, identity: str) -> None:
        self.done.append(("remove", room, identity))

    async def close(self, room: str) -> None:
        self.done.append(("close", room))

    def _check(self) -> None:
        if self.is_away:
            raise api.TwirpError("unavailable", "away", status=503)


def view(**changes: frozenset[str]) -> RoomView:
    asked = Dispatch(id="AD_1", metadata="", asked_s=1.0, had_agent=True)
    given = {"callers": frozenset({"ann"}), "agents": frozenset({"agent-1"}), **changes}
    return RoomView(sid="RM_1", dispatches=(asked,), **given)


def waiting(asked: Dispatch) -> RoomView:
    """A room to which no agent has come."""
    callers = frozenset({"ann"})
    return RoomView(sid="RM_1", callers=callers, agents=frozenset(), dispatches=(asked,))


def job(room: str = "blue/room") -> RunningJobInfo:
    return RunningJobInfo(
        accept_arguments=JobAcceptArguments(name="", identity="agent-1", metadata=""),
        job=Job(id="AJ_1", dispatch_id="AD_1", room=Room(name=room, sid="RM_1")),
        url="",
        token="",
        worker_id="",
        fake_job=False,
    )


class Late(Random):
    """What waits by chance waits as long as it may."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Scene:
    def __init__(self, folder: Path) -> None:
        self.worker = Worker()
        self.rooms = FakeRooms()
        self.store = FileStore(folder)
        self.lookout = Lookout(self.worker, self.store, self.rooms, Late())

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.lookout.run())
        try:
            await asyncio.sleep(0.3)
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_a_job_that_left_its_conversation_behind_is_followed_by_another(
    scene: Scene,
) -> None:
    scene.worker.running, scene.rooms.views = [job()], {"blue/room": view()}
    await scene.store.save(conversation())
    async with scene.running():
        scene.worker.running = []
        await asyncio.sleep(0.3)
    assert scene.rooms.done == [
        ("remove", "blue/room", "agent-1"),
        ("bring", "blue/room", '{"interrupted":true}'),
    ]


async def test_a_job_that_died_before_it_had_anything_to_keep_is_followed_by_another(
    scene: Scene,
) -> None:
    scene.worker.running, scene.rooms.views = [job()], {"blue/room": view()}
    async with scene.running():
        scene.worker.running = []
        await asyncio.sleep(0.3)
    assert [done[0] for done in scene.rooms.done] == ["remove", "bring"]


@pytest.mark.parametrize(
    "left",
    [{}, {"blue/room": replace(view(), dispatches=())}, {"blue/room": view(callers=frozenset())}],
    ids=["no room", "no dispatch", "no caller"],
)
async def test_a_job_that_ended_in_order_is_not(left: dict[str, RoomView], scene: Scene) -> None:
    scene.worker.running, scene.rooms.views = [job()], {"blue/room": view()}
    async with scene.running():
        scene.rooms.views, scene.worker.running = left, []
        await asyncio.sleep(0.3)
    assert scene.rooms.done == []


async def test_it_is_tried_until_the_server_answers(scene: Scene) -> None:
    scene.worker.running, scene.rooms.views = [job()], {"blue/room": view()}
    await scene.store.save(conversation())
    scene.rooms.is_away = True
    async with scene.running():
        scene.worker.running = []
        await asyncio.sleep(0.7)
        assert scene.rooms.done == []
        scene.rooms.is_away = False
        await asyncio.sleep(0.7)
    assert len(scene.rooms.done) == 2


async def test_an_agent_of_another_worker_is_missed(scene: Scene) -> None:
    scene.rooms.views = {"green": view(agents=frozenset()), "red": view()}
    async with scene.running():
        await eventually(lambda: scene.rooms.done)
    assert scene.rooms.done == [("bring", "green", '{"interrupted":true}')]


@pytest.mark.virtual_time
async def test_rooms_of_a_node_that_died_do_not_hide_the_others(scene: Scene) -> None:
    scene.rooms.views = {f"lost-{n}": view() for n in range(9)}
    scene.rooms.mute = set(scene.rooms.views)
    scene.rooms.views["green"] = view(agents=frozenset())
    async with scene.running():
        await asyncio.sleep(5.0)
    assert scene.rooms.done == [("bring", "green", '{"interrupted":true}')]


async def test_one_that_has_just_arrived_and_died_is_missed_too(scene: Scene) -> None:
    young = Dispatch(
        id="AD_1",
        metadata="",
        asked_s=time.time(),
        had_agent=True,
        agents=frozenset({"agent-1"}),
    )
    callers, agents = frozenset({"ann"}), frozenset({"agent-1"})
    scene.rooms.views = {
        "green": RoomView(sid="RM_1", callers=callers, agents=agents, dispatches=(young,))
    }
    async with scene.running():
        await eventually(lambda: scene.rooms.looks)
        scene.rooms.views = {
            "green": RoomView(sid="RM_1", callers=callers, agents=frozenset(), dispatches=(young,))
        }
        await eventually(lambda: scene.rooms.done)
    assert scene.rooms.done == [("bring", "green", '{"interrupted":true}')]
    assert time.time() - young.asked_s < ARRIVAL_S


@pytest.mark.virtual_time
async def test_one_that_is_listed_and_does_not_answer_twice_is_taken_out_and_replaced(
    scene: Scene,
) -> None:
    scene.rooms.views = {"green": view(connected=frozenset({"agent-1"}))}
    scene.rooms.silent = {"agent-1"}
    async with scene.running():
        await asyncio.sleep(5.0)
    assert scene.rooms.done == [
        ("remove", "green", "agent-1"),
        ("bring", "green", '{"interrupted":true}'),
    ]
    assert scene.rooms.asked == ["agent-1"] * 2


@pytest.mark.virtual_time
async def test_one_that_answers_the_second_time_is_left_alone(scene: Scene) -> None:
    scene.rooms.views = {"green": view(connected=frozenset({"agent-1"}))}
    scene.rooms.silent = {"agent-1"}
    async with scene.running():
        await eventually(lambda: scene.rooms.asked)
        scene.rooms.silent.clear()
        await asyncio.sleep(5.0)
    assert len(scene.rooms.asked) > 2
    assert scene.rooms.done == []


@pytest.mark.virtual_time
async def test_one_that_is_still_connecting_or_has_just_come_is_not_asked(scene: Scene) -> None:
    connected = view(connected=frozenset({"agent-1"}))
    (dispatch,) = connected.dispatches
    young = replace(connected, dispatches=(replace(dispatch, asked_s=time.time()),))
    scene.rooms.views = {"green": view(), "blue": young}
    scene.rooms.silent = {"agent-1"}
    async with scene.running():
        await asyncio.sleep(5.0)
    assert (scene.rooms.asked, scene.rooms.done) == ([], [])


@pytest.mark.virtual_time
async def test_one_that_has_just_come_and_has_a_voice_is_asked(scene: Scene) -> None:
    agent = frozenset({"agent-1"})
    here = view(connected=agent, publishing=agent)
    (dispatch,) = here.dispatches
    young = replace(dispatch, asked_s=time.time(), agents=agent)
    scene.rooms.views = {"blue": replace(here, dispatches=(young,))}
    scene.rooms.silent = {"agent-1"}
    async with scene.running():
        await eventually(lambda: scene.rooms.done)
    assert scene.rooms.done[-1] == ("bring", "blue", '{"interrupted":true}')


@pytest.mark.virtual_time
async def test_in_a_room_that_was_made_anew_nobody_has_been_seen(scene: Scene) -> None:
    scene.rooms.views = {"green": view()}
    async with scene.running():
        await eventually(lambda: scene.rooms.looks)
        asked = Dispatch(id="AD_2", metadata="", asked_s=time.time(), had_agent=False)
        scene.rooms.views = {"green": replace(waiting(asked), sid="RM_2")}
        await asyncio.sleep(2.5)
        assert scene.rooms.done == []
        await eventually(lambda: scene.rooms.done)
    assert scene.rooms.done[-1] == ("bring", "green", "")


@pytest.mark.virtual_time
async def test_one_silent_agent_sends_the_look_out_to_all_rooms_of_its_worker(
    scene: Scene,
) -> None:
    def of_worker(number: int) -> RoomView:
        connected = view(connected=frozenset({f"agent-{number}"}))
        (dispatch,) = connected.dispatches
        return replace(connected, dispatches=(replace(dispatch, worker=f"AW_{number}"),))

    scene.rooms.views = {f"call-{n}": of_worker(n % 3) for n in range(150)}
    async with scene.running():
        await asyncio.sleep(40.0)  # it gets to know them
        scene.rooms.silent = {"agent-1"}
        await asyncio.sleep(6.0)
    brought = {done[1] for done in scene.rooms.done if done[0] == "bring"}
    assert brought == {f"call-{n}" for n in range(150) if n % 3 == 1}


async def test_one_that_is_on_its_way_out_is_not(scene: Scene) -> None:
    scene.rooms.views = {"green": view(agents=frozenset())}
    async with scene.running():
        await eventually(lambda: scene.rooms.looks)
        withdrawn = replace(view(agents=frozenset()), dispatches=())
        scene.rooms.views = {"green": withdrawn}
        await eventually(lambda: scene.rooms.looks > 1)
        await asyncio.sleep(0.1)
    assert scene.rooms.done == []


@pytest.mark.virtual_time
async def test_a_call_that_was_refused_is_told_to_wait_and_offered_again(scene: Scene) -> None:
    asked = Dispatch(id="AD_1", metadata="m", asked_s=time.time(), had_agent=False)
    scene.rooms.views = {"full": waiting(asked)}
    scene.rooms.are_many = True
    async with scene.running():
        scene.lookout.refused("full")
        await asyncio.sleep(TAKING_S - 0.1)
        assert scene.rooms.done == []
        await asyncio.sleep(1.5)
        assert scene.rooms.done == [("mark", "full"), ("bring", "full", "m")]


async def test_a_call_that_is_given_up_leaves_nothing_behind(scene: Scene) -> None:
    asked = tuple(
        Dispatch(id=f"AD_{n}", metadata="", asked_s=1.0, had_agent=True) for n in range(4)
    )
    hopeless = RoomView(
        sid="RM_1", callers=frozenset({"ann"}), agents=frozenset(), dispatches=asked
    )
    scene.rooms.views = {"blue/room": hopeless}
    await scene.store.save(conversation())
    async with scene.running():
        await eventually(lambda: scene.rooms.done)
        await asyncio.sleep(0.1)
    assert scene.rooms.done == [("close", "blue/room")]
    assert await scene.store.load("blue/room") is None
