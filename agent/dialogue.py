"""A call without its room: its session, and everything that works for it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from livekit.agents import Agent, CloseEvent, ErrorEvent, JobContext

from agent import endings, metrics
from agent.announcer import Announcer, after_speech
from agent.apology import Apologies
from agent.assistant import Assistant, instructions_of
from agent.attention import Attention, silence_options
from agent.call_ids import Turns
from agent.call_status import CallStatus
from agent.config import Settings
from agent.continuity import ConversationStore
from agent.continuity.keeper import Ending
from agent.continuity.thread import Phrases, Thread
from agent.dispatch import CallOptions
from agent.echo_filter import EchoFilter
from agent.engines import Pipeline
from agent.farewell import Farewell
from agent.filler import Filler
from agent.joining import new_session
from agent.playout import Playout, Samples
from agent.profiles import Choice
from agent.read_ahead import ReadAhead
from agent.realtime.assistant import assistant_of
from agent.realtime.deadline import AnswerDeadline
from agent.realtime.recorder import RealtimeRecorder, recorder_of
from agent.realtime.take_over import Parts, TakeOver
from agent.refusals import Refusals, is_busy
from agent.room_messages import Level
from agent.sound.filter import microphone
from agent.thrift import Thrift
from agent.tools import CallActions, Toolbox
from agent.tools.faq import load_faq
from agent.turn_record import TurnRecord
from agent.turn_taking import TurnTaking, Words, asks_model, endpointing, voice_activity
from agent.turns.fillers import Fillers
from agent.turns.words import WordsJudge
from agent.vitals import Vitals
from agent.watch import Watch, limits, tolerance

GOODBYE_TAIL_S = 0.3
"""Between the last audio sent and the end of the call, so that the caller hears all of it."""


@dataclass(frozen=True, kw_only=True)
class CallSetup:
    """What a call is made from."""

    ctx: JobContext
    settings: Settings
    options: CallOptions
    choice: Choice
    pipeline: Pipeline
    words: WordsJudge
    store: ConversationStore


class Dialogue(ABC):
    """Puts a call's parts together. Whoever brings its sound starts the session: `_listen()` before,
    `_go_on()` after, `_close()` at the end."""

    def __init__(self, setup: CallSetup, playout: Playout) -> None:
        ctx, settings, options = setup.ctx, setup.settings, setup.options
        choice, pipeline = setup.choice, setup.pipeline
        self._ctx, self._choice, self._pipeline = ctx, choice, pipeline
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()
        self._vitals = Vitals()
        self._status = CallStatus()
        self._toolbox = self._new_toolbox(settings)
        self._phrases = Phrases.of(settings, choice)
        self._thread = Thread(
            ctx,
            setup.store,
            self._toolbox,
            language=choice.language,
            was_interrupted=options.interrupted,
        )
        self._recorder = recorder_of(choice, call=ctx.room.name, publish=self._publish)
        pipeline.chains.on_fault = self._recorder.engine_failed
        self._echo_filter = EchoFilter()
        self._microphone = microphone(settings, self._echo_filter)
        self._playout = self._watched(playout)
        self._turn_taking = self._new_turn_taking(settings, setup.words)
        self._limits = limits(settings, choice.profile, pipeline.chains.patience_s)
        self._watch = self._new_watch(settings)
        self._refusals = Refusals(self._ends(endings.BUSY))
        self._thrift = self._new_thrift(settings)
        on_end = self._turn_taking.on_model if asks_model(settings) else None
        self._read_ahead = ReadAhead(pipeline.members, self._spawn, on_end)
        instructions = instructions_of(settings, options.instructions)
        self._realtime = self._new_realtime(settings, instructions)
        self._assistant = self._new_assistant(instructions)
        self._session = new_session(pipeline, self._turn_taking, tolerance(self._limits))
        self._announcer = Announcer(self._session)
        self._filler = self._new_filler(settings)
        self._farewell = self._new_farewell(settings)
        self._attention = self._new_attention(settings)

    @property
    def turns(self) -> Turns:
        return self._recorder

    @property
    def _agent(self) -> Agent:
        """Who has the session."""
        return self._realtime.agent if self._realtime else self._assistant

    def _new_toolbox(self, settings: Settings) -> Toolbox:
        return Toolbox(
            CallActions(announce=self._announce, hang_up=self._hang_up),
            load_faq(settings.faq_dir),
            now=lambda: datetime.now(UTC),
            time_zone=settings.agent_time_zone,
        )

    def _watched(self, playout: Playout) -> Playout:
        playout.on_played = self._on_played
        playout.on_failed = self._ends(endings.NO_VOICE)
        playout.on_gap = metrics.AUDIO_GAPS.observe
        return playout

    def _new_turn_taking(self, settings: Settings, judge: WordsJudge) -> TurnTaking:
        turn_taking = TurnTaking(
            endpointing(settings),
            Words.of(self._choice.language, judge),
            self._playout,
            has_partials=bool(self._pipeline.stt.capabilities.interim_results),
            is_echo=self._echo_filter.is_suspected,
            voice=voice_activity(settings),
        )
        turn_taking.on_words = self._thread.heard
        return turn_taking

    def _new_watch(self, settings: Settings) -> Watch:
        return Watch(
            self._limits,
            Apologies.of(settings, self._choice),
            self._recorder,
            self._playout,
            end=self._ends(endings.FAILURES, GOODBYE_TAIL_S),
        )

    def _new_thrift(self, settings: Settings) -> Thrift:
        chains, planner = self._pipeline.chains, self._pipeline.planner
        return Thrift(chains, planner, budget_s=settings.agent_turn_budget_s)

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
            transcribes=settings.agent_realtime_transcript == "on",
            unheard=settings.agent_apology_unheard,
            begin=self._begin_cascade,
        )
        return TakeOver(parts, AnswerDeadline(tool_s=self._limits.tool_s))

    def _new_assistant(self, instructions: str) -> Assistant:
        return assistant_of(
            self._realtime.audio if self._realtime else None,
            instructions=instructions,
            toolbox=self._toolbox,
            recorder=self._recorder,
            turn_taking=self._turn_taking,
            read_ahead=self._read_ahead,
            watch=self._watch,
            turn=self._thread.turn,
        )

    def _new_filler(self, settings: Settings) -> Filler:
        fillers = Fillers(delay_s=settings.agent_filler_s, phrases=settings.fillers)
        return Filler(self._session, fillers)

    def _new_farewell(self, settings: Settings) -> Farewell:
        hang_up = self._ends(endings.BY_AGENT, GOODBYE_TAIL_S)
        return Farewell(self._session, settings.agent_drain_goodbye, hang_up=hang_up)

    def _new_attention(self, settings: Settings) -> Attention:
        return Attention(
            self._session,
            silence_options(settings, self._choice.profile),
            is_held=lambda: self._toolbox.has_timer,
            hang_up=self._hang_up,
        )

    def _listen(self) -> None:
        """Before the session starts."""
        self._vitals.begin()
        if self._realtime is not None:
            self._realtime.attach(self._session, self._assistant)
        self._recorder.attach(self._session, self._playout)
        self._turn_taking.attach(self._session)
        self._status.begin(self._ctx.job.id, self._ctx.job.room.name, self._session)
        self._session.on("close", self._on_session_close)
        self._session.on("error", self._on_engine_error)

    def _go_on(self) -> None:
        """Once it has started."""
        self._read_ahead.begin(self._assistant, self._session)
        if self._realtime is None:
            self._begin_cascade()
        self._thread.hold(self._session, self._agent, self._phrases)
        self._attention.attach()
        self._farewell.attach()

    def _begin_cascade(self) -> None:
        """The engines have the call: what watches them begins."""
        self._turn_taking.on_spoke = self._watch.spoke
        self._watch.attach(self._session)
        self._filler.attach()
        self._thread.handed_over(self._assistant)

    def _on_session_close(self, event: CloseEvent) -> None:
        if event.error is not None and not self._over.is_set():
            ending = endings.BUSY if is_busy(event.error) else endings.ENGINE_FAILED
            self._spawn(self._end(*ending))

    def _on_engine_error(self, event: ErrorEvent) -> None:
        if self._agent is self._assistant:  # a realtime model does without the engines behind it
            self._refusals.on_error(event)

    def _on_played(self, samples: Samples, at_s: float) -> None:
        self._echo_filter.played(samples, at_s)
        self._watch.sounded()

    def _announce(self, text: str) -> None:
        self._announcer.announce(text)

    def _hang_up(self) -> None:
        after_speech(self._session, self._ends(endings.BY_AGENT, GOODBYE_TAIL_S))

    def _publish(self, record: TurnRecord) -> None:
        if self._realtime is None or self._realtime.is_done:
            self._thrift.finished(record)
        self._watch.finished(record)
        self._status.finished(record)
        if record.heard_chars:
            self._refusals.answered()

    def _ends(self, end: endings.End, tail_s: float = 0.0) -> Callable[[], None]:
        """What ends the call so, after `tail_s`."""
        return lambda: self._spawn(self._end_later(end, tail_s))

    async def _end_later(self, end: endings.End, tail_s: float) -> None:
        await asyncio.sleep(tail_s)
        await self._end(*end)

    @abstractmethod
    async def _end(
        self, reason: str, level: Level, code: str, message: str, ending: Ending = "in order"
    ) -> None:
        """Tells the caller. Only the first call counts."""

    async def _close(self) -> None:
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
        self._status.end()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="parley-call")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
