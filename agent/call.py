"""One call, from the job's assignment to the closed room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from livekit import rtc
from livekit.agents import Agent, CloseEvent, JobContext

from agent import endings, metrics
from agent.announcer import Announcer, after_speech
from agent.apology import Apologies
from agent.assistant import instructions_of
from agent.attention import Attention, silence_options
from agent.call_ids import Turns
from agent.callers import ARRIVAL_GRACE_S, RETURN_GRACE_S, Callers, EndAfter, Link
from agent.config import Settings
from agent.continuity import ConversationStore
from agent.continuity.keeper import Ending
from agent.continuity.returning import wait_for_return
from agent.continuity.thread import Phrases, Thread
from agent.dispatch import CallOptions
from agent.echo_filter import EchoFilter
from agent.engines import Pipeline
from agent.farewell import Farewell
from agent.filler import Filler
from agent.joining import CALLER_KINDS, new_session, start_in_room
from agent.playout import Playout, Samples
from agent.profiles import Choice
from agent.read_ahead import ReadAhead
from agent.realtime.assistant import assistant_of
from agent.realtime.recorder import RealtimeRecorder, recorder_of
from agent.realtime.take_over import Parts, TakeOver
from agent.refusals import Refusals, is_busy
from agent.room_inputs import of_call
from agent.room_messages import Level, send_notice, send_turn
from agent.sound.filter import microphone
from agent.thrift import Thrift
from agent.tools import CallActions, Toolbox
from agent.tools.faq import load_faq
from agent.turn_record import TurnRecord
from agent.turn_taking import TurnTaking, Words, endpointing, voice_activity
from agent.turns.fillers import Fillers
from agent.turns.words import WordsJudge
from agent.vitals import Vitals
from agent.watch import Watch, limits, tolerance

logger = logging.getLogger(__name__)

GOODBYE_TAIL_S = 0.3
"""Between the last audio sent and the end of the room, so that the caller hears all of it."""


class Call:
    """A call's session, its callers and its end."""

    def __init__(
        self,
        ctx: JobContext,
        settings: Settings,
        options: CallOptions,
        choice: Choice,
        pipeline: Pipeline,
        judge: WordsJudge,
        store: ConversationStore,
        *,
        playout: Playout | None = None,
    ) -> None:
        """`playout`: where the voice goes, into the room for None."""
        self._ctx = ctx
        self._choice = choice
        self._pipeline = pipeline
        self._callers = Callers()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending: asyncio.TimerHandle | None = None
        self._started = False
        self._over = asyncio.Event()
        self._vitals = Vitals()
        self._toolbox = Toolbox(
            CallActions(announce=self._announce, hang_up=self._hang_up),
            load_faq(settings.faq_dir),
            now=lambda: datetime.now(UTC),
            time_zone=settings.agent_time_zone,
        )
        self._phrases = Phrases.of(settings, choice)
        self._thread = Thread(
            ctx, store, self._toolbox, language=choice.language, was_interrupted=options.interrupted
        )
        self._recorder = recorder_of(choice, call=ctx.room.name, publish=self._publish)
        self._echo_filter = EchoFilter()
        self._microphone = microphone(settings, self._echo_filter)
        self._playout = playout or Playout()
        self._playout.on_played = self._on_played
        self._playout.on_failed = self._on_no_voice
        self._playout.on_gap = metrics.AUDIO_GAPS.observe
        self._turn_taking = self._new_turn_taking(settings, judge)
        self._limits = limits(settings, choice.profile, pipeline.chains.patience_s)
        self._watch = self._new_watch(settings)
        self._refusals = Refusals(self._on_busy)
        self._turn_taking.on_words = self._thread.heard
        pipeline.chains.on_fault = self._recorder.engine_failed
        self._thrift = Thrift(
            pipeline.chains, pipeline.planner, budget_s=settings.agent_turn_budget_s
        )
        self._read_ahead = ReadAhead(pipeline.members, self._spawn)
        instructions = instructions_of(settings, options.instructions)
        self._realtime = self._new_realtime(settings, instructions)
        self._assistant = assistant_of(
            self._realtime.audio if self._realtime else None,
            instructions=instructions,
            toolbox=self._toolbox,
            recorder=self._recorder,
            turn_taking=self._turn_taking,
            read_ahead=self._read_ahead,
            watch=self._watch,
            turn=self._thread.turn,
        )
        self._session = new_session(pipeline, self._turn_taking, tolerance(self._limits))
        self._inputs = of_call(
            ctx.room,
            self._session,
            is_caller=lambda identity: identity == self._callers.linked,
            simulated=pipeline.members if choice.simulated else (),
            tell=lambda code, text: self._spawn(send_notice(ctx.room, "error", code, text)),
        )
        self._announcer = Announcer(self._session)
        self._filler = Filler(
            self._session, Fillers(delay_s=settings.agent_filler_s, phrases=settings.fillers)
        )
        self._farewell = Farewell(
            self._session,
            settings.agent_drain_goodbye,
            hang_up=lambda: self._spawn(self._end_by_agent()),
        )
        self._attention = Attention(
            self._session,
            silence_options(settings, choice.profile),
            is_held=lambda: self._toolbox.has_timer,
            hang_up=self._hang_up,
        )

    @property
    def turns(self) -> Turns:
        return self._recorder

    def _new_turn_taking(self, settings: Settings, judge: WordsJudge) -> TurnTaking:
        return TurnTaking(
            endpointing(settings),
            Words.of(self._choice.language, judge),
            self._playout,
            has_partials=bool(self._pipeline.stt.capabilities.interim_results),
            is_echo=self._echo_filter.is_suspected,
            voice=voice_activity(settings),
        )

    def _new_realtime(self, settings: Settings, instructions: str) -> TakeOver | None:
        if not isinstance(self._recorder, RealtimeRecorder) or self._pipeline.realtime is None:
            return None
        parts = Parts(
            model=self._pipeline.realtime,
            choice=self._choice,
            instructions=instructions,
            toolbox=self._toolbox,
            turn_taking=self._turn_taking,
            recorder=self._recorder,
            turn=self._thread.turn,
            unheard=settings.agent_apology_unheard,
            begin=self._begin_cascade,
        )
        return TakeOver(parts)

    def _new_watch(self, settings: Settings) -> Watch:
        return Watch(
            self._limits,
            Apologies.of(settings, self._choice),
            self._recorder,
            self._playout,
            end=self._on_failed_for_good,
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
        self._link()
        self._go_on()

    def _listen(self) -> None:
        """Before the session starts."""
        self._vitals.begin()
        if self._realtime is not None:
            self._realtime.attach(self._session, self._assistant)
        self._recorder.attach(self._session, self._playout)
        self._turn_taking.attach(self._session)
        self._session.on("close", self._on_session_close)
        self._session.on("error", self._refusals.on_error)

    def _go_on(self) -> None:
        """Once it has started."""
        self._read_ahead.begin(self._assistant)
        if self._realtime is None:
            self._begin_cascade()
        self._thread.hold(self._session, self._agent, self._phrases)
        self._attention.attach()
        self._farewell.attach()

    async def _start_session(self) -> bool:
        """False when the call ended first."""
        self._session.output.audio = self._playout
        self._playout.publish(self._ctx.room)
        hearing = self._microphone
        self._started = await start_in_room(
            self._session,
            self._agent,
            self._ctx.room,
            hears_through=self._realtime.tap(hearing) if self._realtime else hearing,
            over=self._over,
        )
        return self._started and not self._over.is_set()

    @property
    def _agent(self) -> Agent:
        """Who has the session."""
        return self._realtime.agent if self._realtime else self._assistant

    def _begin_cascade(self) -> None:
        """The engines have the call: what watches them begins."""
        self._turn_taking.on_spoke = self._watch.spoke
        self._watch.attach(self._session)
        self._filler.attach()
        self._thread.handed_over(self._assistant)

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
        if self._started and self._callers.linked is not None:
            self._turn_taking.reset()
            self._microphone.reset()
            self._watch.reset()
            logger.info("listening to caller", extra={"lk.pii.identity": self._callers.linked})
            self._thread.linked(self._callers.linked)
            self._session.room_io.set_participant(self._callers.linked)

    def _on_session_close(self, event: CloseEvent) -> None:
        if event.error is None or self._over.is_set():
            return
        if is_busy(event.error):
            self._on_busy()
        else:
            self._spawn(self._end(*endings.ENGINE_FAILED))

    def _on_busy(self) -> None:
        self._spawn(self._end(*endings.BUSY))

    def _on_played(self, samples: Samples, at_s: float) -> None:
        self._echo_filter.played(samples, at_s)
        self._watch.sounded()

    def _on_failed_for_good(self) -> None:
        self._spawn(self._end_after_failures())

    def _on_no_voice(self) -> None:
        self._spawn(self._end(*endings.NO_VOICE))

    def _announce(self, text: str) -> None:
        self._announcer.announce(text)

    def _hang_up(self) -> None:
        after_speech(self._session, lambda: self._spawn(self._end_by_agent()))

    async def _end_unattended(self, ending: Ending) -> None:
        await self._end(*endings.NO_CALLER, ending)

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

    async def _end_by_agent(self) -> None:
        await asyncio.sleep(GOODBYE_TAIL_S)
        await self._end(*endings.BY_AGENT)

    async def _end_after_failures(self) -> None:
        await asyncio.sleep(GOODBYE_TAIL_S)
        await self._end(*endings.FAILURES)

    def _end_after(self, delay_s: float) -> None:
        self._cancel_ending()
        loop = asyncio.get_running_loop()
        ending: Ending = "interrupted" if delay_s else "in order"
        self._ending = loop.call_later(delay_s, lambda: self._spawn(self._end_unattended(ending)))

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
        self._ctx.shutdown(reason)

    def _publish(self, record: TurnRecord) -> None:
        self._spawn(send_turn(self._ctx.room, record))
        if self._realtime is None or self._realtime.is_done:
            self._thrift.finished(record)
        self._watch.finished(record)
        if record.heard_chars:
            self._refusals.answered()

    async def _close(self) -> None:
        self._cancel_ending()
        await self._inputs.aclose()
        await self._thread.drop()
        self._toolbox.close()
        self._filler.close()
        self._attention.close()
        self._farewell.close()
        self._announcer.close()
        self._watch.close()
        if self._realtime is not None:
            self._realtime.close()
        self._recorder.close()
        self._turn_taking.close()
        await self._playout.aclose()
        await self._pipeline.aclose()
        self._vitals.end()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="parley-call")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
