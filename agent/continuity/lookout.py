"""The worker's look-out over calls: an agent comes back where one died.

A process of this worker that dies is noticed within a tenth of a second. The agents of workers that
died are found by looking at the server's rooms, some at a time (`Patrol`), and asking the agents there
whether they live. So are callers whom no worker has taken; those that this worker has refused are
looked for at their time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import replace
from random import Random

from livekit import api
from livekit.agents import AgentServer, utils
from livekit.agents.job import RunningJobInfo

from agent.config import Settings
from agent.continuity.patrol import NOBODY, SCAN_S, Patrol
from agent.continuity.rescue import (
    TAKING_S,
    Bring,
    GiveUp,
    Leave,
    LostJob,
    RoomView,
    Wait,
    decide,
    newest_of,
)
from agent.continuity.rooms import FAILURES, Rooms
from agent.continuity.store import ConversationStore, FileStore, StoreError, open_store
from agent.continuity.waiting import mark_for
from agent.dispatch import DispatchError, interrupted_metadata
from agent.reception import Reception

logger = logging.getLogger(__name__)

_LOOK_S = 0.1
"""Between two looks at this worker's own jobs."""
_RETRY_S = 0.5
"""Between two looks at the room of a job that was lost."""
_TRIES = 120
"""For a minute at least: longer than the grace of a caller whose connection broke."""
_ANSWER_S = 2.0
"""For the server to tell about one room: of those whose node has died it tells nothing, after long."""
_SURE_S = (0.3, 0.7)
"""Until a room whose agent is gone is looked at again: one that leaves in order says so after it has
left. By chance, so that not all workers send an agent."""
_FIRST_ANSWER_S, _SECOND_ANSWER_S = 0.5, 1.3
"""For an agent to say that it is there. The second time also if a packet is lost, which is sent again
after a second."""
_YOUNG_S = 5.0
"""An agent that was asked for so lately is not asked before it has a voice in the room: it may be there and
not be able to answer yet."""
_SWEEP_S = 60.0
_REFUSED_S = 0.25
"""Between two looks for a refused call whose time has come."""
_SPREAD_S = 1.0
"""Within which the workers that have refused the same call look for it, one after the other."""


class Lookout:
    """Watches the jobs of a running `server` and the rooms of its LiveKit server."""

    def __init__(
        self,
        server: AgentServer,
        store: ConversationStore,
        rooms: Rooms,
        random: Random | None = None,
    ) -> None:
        """The store tells which jobs ended in order."""
        self._server = server
        self._store = store
        self._rooms = rooms
        self._random = random or Random()  # nosec B311 # which rooms to look at first
        self._jobs: dict[str, RunningJobInfo] = {}
        self._rescuing: set[str] = set()
        self._refused: dict[str, float] = {}
        """Rooms, and when to look at them."""
        self._seen: dict[str, tuple[str, set[str]]] = {}
        """By room, its SID and the agents that were in it at some time."""
        self._deserted: set[str] = set()
        """Rooms of others whose agent was not there at this scan's first look."""
        self._patrol = Patrol(self._random)
        self._tasks = asyncio.TaskGroup()

    async def run(self) -> None:
        """Until it is cancelled."""
        async with self._tasks as tasks:
            tasks.create_task(_every(_LOOK_S, self._look_at_jobs), name="job-watch")
            tasks.create_task(_every(self._scan_s, self._scan), name="room-watch")
            tasks.create_task(_every(_REFUSED_S, self._look_at_refused), name="refused-calls")
            if isinstance(self._store, FileStore):
                tasks.create_task(_every(_SWEEP_S, self._store.sweep), name="conversation-sweep")

    def refused(self, room: str) -> None:
        """This worker was asked for an agent for this room, and has refused."""
        due_s = time.monotonic() + TAKING_S + self._random.uniform(0.0, _SPREAD_S)
        self._refused.setdefault(room, due_s)

    async def _look_at_refused(self) -> None:
        now_s = time.monotonic()
        for room in [room for room, due_s in self._refused.items() if due_s <= now_s]:
            del self._refused[room]
            await self._is_settled(room, None)

    async def _look_at_jobs(self) -> None:
        running = {info.job.id: info for info in self._server.active_jobs}
        for job, info in self._jobs.items():
            if job not in running:
                self._tasks.create_task(self._rescue(info), name="rescue")
        self._jobs = running

    async def _rescue(self, info: RunningJobInfo) -> None:
        """Sees to the room of a job that has ended, if it was not over."""
        room = info.job.room.name
        if not await self._is_lost(info):
            return
        logger.warning("a call has lost its process", extra={"room": room, "call": info.job.id})
        lost = LostJob(
            room_sid=info.job.room.sid,
            dispatch=info.job.dispatch_id,
            identity=info.accept_arguments.identity,
            metadata=info.job.metadata,
        )
        self._rescuing.add(room)
        try:
            for _ in range(_TRIES):
                if await self._is_settled(room, lost):
                    return
                await asyncio.sleep(_RETRY_S)
            logger.info("nobody was there for an agent to come back to", extra={"room": room})
        finally:
            self._rescuing.discard(room)

    async def _is_lost(self, info: RunningJobInfo) -> bool:
        try:
            kept = await self._store.load(info.job.room.name)
        except StoreError:
            return False  # the look at all rooms will find it
        if kept is not None and kept.job == info.job.id:
            return kept.has_caller(time.time())
        return await self._is_awaited(info)

    async def _is_awaited(self, info: RunningJobInfo) -> bool:
        """Whether a caller waits for the agent of a job that died before it had anything to keep. One
        that ends in order takes its room or its dispatch along."""
        try:
            view = await self._look(info.job.room.name)
        except FAILURES:
            return False
        if view is None or not view.callers:
            return False
        return info.job.dispatch_id in {dispatch.id for dispatch in view.dispatches}

    async def _is_settled(self, room: str, lost: LostJob | None) -> bool:
        try:
            return await self._see_to(room, lost)
        except FAILURES as e:
            logger.debug("a room could not be seen to", extra={"room": room, "error": repr(e)})
            return False

    def _scan_s(self) -> float:
        return self._random.uniform(*SCAN_S)

    async def _scan(self) -> None:
        """Looks at some rooms of others, and at all those of a worker that seems to be gone."""
        now_s = time.monotonic()
        if self._patrol.is_list_due(now_s):
            rooms = await self._rooms.listed()
            self._patrol.listed(rooms, now_s)
            self._seen = {room: seen for room, seen in self._seen.items() if room in rooms}
        left_out = {info.job.room.name for info in self._server.active_jobs} | self._rescuing
        self._deserted.clear()
        first = self._patrol.first(left_out)
        await self._look_at(first)
        await self._look_at(self._patrol.then(left_out.union(first)))
        if self._deserted:
            await asyncio.sleep(self._random.uniform(*_SURE_S))
            await self._look_at(tuple(self._deserted))

    async def _look_at(self, rooms: Iterable[str]) -> None:
        """All at once: one that says nothing keeps nobody waiting."""
        await asyncio.gather(*(self._is_settled(room, None) for room in rooms))

    async def _look(self, room: str) -> RoomView | None:
        self._patrol.saw_nothing(room)
        async with asyncio.timeout(_ANSWER_S):
            view = await self._rooms.look(room)
        if view is not None:
            newest = newest_of(view.dispatches)
            self._patrol.saw(room, (newest.worker or None) if newest else NOBODY)
        return view

    async def _silent(self, room: str, view: RoomView) -> frozenset[str]:
        """Agents that are listed and do not answer."""
        asked_for_s = max((dispatch.asked_s for dispatch in view.dispatches), default=0.0)
        is_young = time.time() - asked_for_s < _YOUNG_S
        asked = sorted(view.publishing if is_young else view.connected) if view.callers else []
        patience_s = _SECOND_ANSWER_S if room in self._deserted else _FIRST_ANSWER_S
        answers = await asyncio.gather(
            *(self._rooms.is_silent(room, who, patience_s) for who in asked)
        )
        return frozenset(who for who, is_silent in zip(asked, answers, strict=True) if is_silent)

    def _agents_seen(self, room: str, view: RoomView) -> set[str]:
        """A room that is made anew has seen none."""
        sid, before = self._seen.get(room, ("", set[str]()))
        seen = before | view.agents if sid == view.sid else set(view.agents)
        self._seen[room] = view.sid, seen
        return seen

    async def _see_to(self, room: str, lost: LostJob | None) -> bool:
        """Brings an agent if one is needed; False when it may be needed later."""
        view = await self._look(room)
        silent = await self._silent(room, view) if view and lost is None else frozenset[str]()
        if silent:
            self._patrol.suspect(room)
            view = await self._look(room)  # somebody else may have seen to it meanwhile
        if view is None:
            return False
        seen = self._agents_seen(room, view)
        view = replace(view, agents=view.agents - silent)
        decision = decide(view, lost, time.time(), seen)
        if lost is None and _is_after_an_agent(decision) and room not in self._deserted:
            self._deserted.add(room)
            return False
        if mark := mark_for(view, decision):
            await self._rooms.mark(room, mark)  # before there can be an agent to take it away
        match decision:
            case Bring(metadata, was_interrupted):
                for identity in silent if lost is None else {lost.identity}:
                    await self._rooms.remove(room, identity)
                await self._rooms.bring_agent(room, _followed(metadata, was_interrupted))
                logger.warning("an agent is brought back", extra={"room": room})
            case GiveUp():
                await self._rooms.close(room)
                with contextlib.suppress(StoreError):
                    await self._store.delete(room)
                logger.error("a call was ended: its agents keep dying", extra={"room": room})
            case Wait():
                return False
            case Leave():
                pass
        return True


def _is_after_an_agent(decision: Bring | GiveUp | Wait | Leave) -> bool:
    return isinstance(decision, GiveUp) or (
        isinstance(decision, Bring) and decision.was_interrupted
    )


def _followed(metadata: str, was_interrupted: bool) -> str:
    try:
        return interrupted_metadata(metadata) if was_interrupted else metadata
    except DispatchError:
        return metadata  # the agent will tell the room what is wrong with it


async def _every(
    period_s: float | Callable[[], float], work: Callable[[], Awaitable[None]]
) -> None:
    while True:
        try:
            await work()
        except (*FAILURES, StoreError) as e:
            logger.debug("the look-out over calls failed for now", extra={"error": repr(e)})
        except Exception:
            logger.exception("the look-out over calls failed")
        await asyncio.sleep(period_s() if callable(period_s) else period_s)


@contextlib.asynccontextmanager
async def watching(
    server: AgentServer, settings: Settings, reception: Reception
) -> AsyncIterator[None]:
    """Watches while the block runs; `server` must be running when it begins."""
    store = open_store(settings)
    keys = settings.livekit_api_key, settings.api_secret
    async with api.LiveKitAPI(settings.livekit_url, *keys) as livekit:
        lookout = Lookout(server, store, Rooms(livekit, settings.agent_name or ""))
        reception.on_refused = lookout.refused
        task = asyncio.create_task(lookout.run(), name="lookout")
        try:
            yield
        finally:
            await utils.aio.cancel_and_wait(task)
            await store.aclose()
