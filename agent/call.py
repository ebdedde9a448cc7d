"""One call, from the job's assignment to the closed room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from livekit import rtc

from agent import endings
from agent.callers import ARRIVAL_GRACE_S, RETURN_GRACE_S, Callers, EndAfter, Link
from agent.continuity.keeper import Ending
from agent.continuity.returning import wait_for_return
from agent.dialogue import CallSetup, Dialogue
from agent.joining import CALLER_KINDS, start_in_room
from agent.playout import Playout
from agent.room_inputs import of_call
from agent.room_messages import Level, send_notice, send_turn
from agent.turn_record import TurnRecord

logger = logging.getLogger(__name__)


class Call(Dialogue):
    """A dialogue in a room: its callers and its end."""

    def __init__(self, setup: CallSetup) -> None:
        super().__init__(setup, Playout())
        room = setup.ctx.room
        self._callers = Callers()
        self._ending: asyncio.TimerHandle | None = None
        self._begun = asyncio.Event()
        self._inputs = of_call(
            room,
            self._session,
            is_caller=lambda who: who == self._callers.linked and not self._over.is_set(),
            begun=self._begun,
            simulated=setup.pipeline.members if setup.choice.simulated else (),
            tell=lambda code, text: self._spawn(send_notice(room, "error", code, text)),
        )

    async def run(self, connect: Callable[[], Awaitable[None]]) -> None:
        """Joins the room and greets; the call then lives on its events.

        The handlers are there before the connection, so that a caller who leaves at once is missed
        by nobody.
        """
        room = self._ctx.room
        self._ctx.add_shutdown_callback(self._close)
        self._listen()
        room.on("participant_connected", self._on_joined)
        room.on("participant_disconnected", self._on_left)
        self._inputs.attach()
        room.on("reconnected", self._on_reconnected)
        await connect()
        if self._thread.has_other_agent:
            await self._yield_room()
            return
        for participant in room.remote_participants.values():
            self._on_joined(participant)
        if self._callers.alone and self._ending is None:
            # Automatic dispatch means that somebody has just been here; a named agent may be early.
            self._end_after(ARRIVAL_GRACE_S if self._ctx.job.agent_name else RETURN_GRACE_S)
        for warning in self._choice.warnings:
            logger.warning(warning)
        room_of_job = self._ctx.job.room
        await wait_for_return(room_of_job, lambda: self._callers.alone and not self._over.is_set())
        before = await self._thread.pick_up(self._callers.present, self._agent)
        if before is not None:
            self._callers.prefer(before)
        if not await self._start_session():
            return
        if self._realtime is not None:
            await self._realtime.begin()
        self._begun.set()
        self._link()
        self._go_on()

    async def _start_session(self) -> bool:
        """False when the call ended first."""
        self._session.output.audio = self._playout
        self._playout.publish(self._ctx.room)
        hearing = self._microphone
        has_started = await start_in_room(
            self._session,
            self._agent,
            self._ctx.room,
            hears_through=self._realtime.tap(hearing) if self._realtime else hearing,
            over=self._over,
        )
        return has_started and not self._over.is_set()

    def _on_joined(self, participant: rtc.RemoteParticipant) -> None:
        if participant.kind in CALLER_KINDS:
            self._cancel_ending()
            self._act(self._callers.joined(participant.identity))

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.kind in CALLER_KINDS:
            hung_up = participant.disconnect_reason == rtc.DisconnectReason.CLIENT_INITIATED
            self._act(self._callers.left(participant.identity, hung_up=hung_up))

    def _act(self, decision: Link | EndAfter | None) -> None:
        match decision:
            case Link():
                self._link()
            case EndAfter(delay_s):
                if delay_s:
                    self._thread.left()
                self._end_after(delay_s)

    def _link(self) -> None:
        if self._begun.is_set() and self._callers.linked is not None:
            self._turn_taking.reset()
            self._microphone.reset()
            self._watch.reset()
            logger.info("listening to caller", extra={"lk.pii.identity": self._callers.linked})
            self._thread.linked(self._callers.linked)
            self._session.room_io.set_participant(self._callers.linked)

    def _on_reconnected(self) -> None:
        self._spawn(self._yield_if_doubled())

    async def _yield_if_doubled(self) -> None:
        if await self._thread.is_doubled():
            await self._yield_room()

    async def _yield_room(self) -> None:
        """Another of our agents is in the room: the call is its own."""
        if not self._over.is_set():
            self._over.set()
            await self._thread.end("taken over")
            await self._thread.withdraw()
            self._ctx.shutdown("another agent is here")

    def _end_after(self, delay_s: float) -> None:
        self._cancel_ending()
        loop = asyncio.get_running_loop()
        ending: Ending = "interrupted" if delay_s else "in order"
        self._ending = loop.call_later(
            delay_s, lambda: self._spawn(self._end(*endings.NO_CALLER, ending))
        )

    def _cancel_ending(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    async def _end(
        self, reason: str, level: Level, code: str, message: str, ending: Ending = "in order"
    ) -> None:
        """Tells the room, closes it, and lets the job end."""
        if self._over.is_set():
            return
        self._over.set()
        await send_notice(self._ctx.room, level, code, message)
        await self._thread.end(ending)
        await self._ctx.delete_room()
        self._playout.abandon()
        self._ctx.shutdown(reason)

    def _publish(self, record: TurnRecord) -> None:
        self._spawn(send_turn(self._ctx.room, record))
        super()._publish(record)

    async def _close(self) -> None:
        self._cancel_ending()
        await self._inputs.aclose()
        await super()._close()
