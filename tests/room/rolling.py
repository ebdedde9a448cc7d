"""Workers that are replaced one after the other while people call."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from contextlib import ExitStack
from dataclasses import dataclass

from tests.room.lost_calls import BACK, SHORT, ask
from tests.stack.caller import Caller, join_token
from tests.stack.processes import KEYS, LiveKit, Worker, running_worker

NAME = "rolling"
WORKERS = 3
UNHURRIED = {"NUM_CPUS": "64"}
"""In production a busy machine refuses calls. Tests share theirs with all they measure."""

_SHORT_CALL = 2
"""Questions of a call that is over before its worker is."""
_PIECE_MS = 50
"""Of the callers' sound: they shall cost little beside their agents."""
_SETTLING_S = 0.5
"""Of a microphone that is switched on again, until its caller speaks."""
_EXIT_S = 40.0


@dataclass(frozen=True, kw_only=True)
class Pace:
    """So many calls, and a worker that starts beside them, share two processors in these tests."""

    apart_s: float = 0.5
    """Between the beginnings of two callers."""
    pause_s: float = 4.0
    """Between an answer and the next question, with the microphone off."""
    overlap_s: float = 2.0
    """For which an old worker drains until the next one is replaced."""
    unplugs: bool = False
    """In a pause the microphone leaves the room: the agent of one that is only off works on."""


@dataclass
class Answered:
    """What all callers have had together."""

    calls: int = 0
    questions: int = 0


async def rolling_restart(livekit: LiveKit, callers: int, pace: Pace) -> Answered:
    """Replaces each of three workers while so many people call; half of them stay on one line.

    Fails when a question gets no answer, a call ends that its caller has not ended, or an agent is
    replaced by another one. The old workers must end with status 0.
    """
    answered, over = Answered(), asyncio.Event()
    rooms = f"{NAME}-{uuid.uuid4().hex[:8]}"  # the conversations of a run that failed are kept
    with ExitStack() as stack:
        old = await asyncio.gather(*(_start(livekit, stack) for _ in range(WORKERS)))
        lines: list[asyncio.Task[None]] = []
        try:
            for n in range(callers):
                caller = Line(livekit, f"{rooms}-{n}", answered, over, pace, stays=n % 2 == 0)
                lines.append(asyncio.create_task(caller.keep_calling()))
                await asyncio.sleep(pace.apart_s)
            await _until_all_talk(lines, answered, callers)
            for worker in old:
                await _start(livekit, stack)
                worker.process.terminate()
                await asyncio.sleep(pace.overlap_s)
                _raise_first(lines)
            before = answered.questions
            while answered.questions < before + callers:
                _raise_first(lines)
                await asyncio.sleep(0.1)
        finally:
            over.set()
            ended = await asyncio.gather(*lines, return_exceptions=True)
        assert not [error for error in ended if error is not None], ended
        statuses = [await asyncio.to_thread(worker.process.wait, _EXIT_S) for worker in old]
        assert statuses == [0] * WORKERS
    return answered


async def _start(livekit: LiveKit, stack: ExitStack) -> Worker:
    own = {"AGENT_PROFILE": "simulated", "AGENT_NAME": NAME, "AGENT_DRAIN_S": "600", **UNHURRIED}
    worker = running_worker(livekit.environment | own, "start")
    return await asyncio.to_thread(stack.enter_context, worker)


async def _until_all_talk(
    lines: list[asyncio.Task[None]], answered: Answered, callers: int
) -> None:
    while answered.questions < callers:
        _raise_first(lines)
        await asyncio.sleep(0.1)


def _raise_first(lines: list[asyncio.Task[None]]) -> None:
    for line in lines:
        if line.done():
            line.result()


@dataclass
class Line:
    """One person, who calls again and again until it is `over`."""

    livekit: LiveKit
    room: str
    answered: Answered
    over: asyncio.Event
    pace: Pace
    stays: bool
    """In the first call, to the end."""

    async def keep_calling(self) -> None:
        for call in itertools.count():
            if self.over.is_set():
                return
            caller = Caller(piece_ms=_PIECE_MS)
            keys, room = (KEYS.api_key, KEYS.api_secret), f"{self.room}-{call}"
            token = join_token(*keys, room, caller.identity, NAME, SHORT)
            await caller.join(self.livekit.url, token)
            try:
                await self._talk(caller)
            finally:
                await caller.leave()

    async def _talk(self, caller: Caller) -> None:
        await caller.wait_for(lambda: caller.room.remote_participants, "agent", 30)
        (agent,) = caller.room.remote_participants
        self.answered.calls += 1
        for number in itertools.count(1):
            await caller.wait_until_connected()
            await asyncio.sleep(_SETTLING_S)
            await ask(caller)
            await self._off(caller)
            self.answered.questions += 1
            assert not caller.closed.is_set(), f"the call was dropped: {caller.notices}"
            assert list(caller.room.remote_participants) == [agent], "another agent came"
            assert BACK not in caller.said("agent"), "the agent came back from a fault"
            assert "failed" not in {turn["outcome"] for turn in caller.turns}, caller.turns
            if self.over.is_set() or (number == _SHORT_CALL and not self.stays):
                return
            await asyncio.sleep(self.pace.pause_s)
            await self._on(caller)

    async def _off(self, caller: Caller) -> None:
        if self.pace.unplugs:
            await caller.unplug()
        else:
            caller.stalled = True

    async def _on(self, caller: Caller) -> None:
        if self.pace.unplugs:
            await caller.plug_in()
        else:
            caller.stalled = False
