"""One call with a realtime model: its parts, and the cascade that takes over when the model fails."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

from livekit import rtc
from livekit.agents import Agent, AgentSession, llm
from livekit.agents.voice import SpeechHandle

from agent import metrics
from agent.assistant import Assistant
from agent.continuity.unfinished import UnfinishedTurn
from agent.profiles import Choice, Realtime
from agent.realtime.assistant import RealtimeAssistant, Successor
from agent.realtime.beside import Beside
from agent.realtime.deadline import AnswerDeadline
from agent.realtime.guard import Guard
from agent.realtime.own_turns import OwnTurns
from agent.realtime.pending import Pending, Remedy
from agent.realtime.recorder import RealtimeRecorder
from agent.realtime.reports import Forgetful, Reason, Reporting
from agent.realtime.tap import Tap
from agent.realtime.turn_audio import TurnAudio
from agent.tools import Toolbox
from agent.turn_taking import TurnTaking

logger = logging.getLogger(__name__)

_READY_S = 6.0
"""How long a session may take to begin, its connection included."""

_SILENCED_S = 2.0
"""How long the model's speech may take to be stopped."""

_ENTERED_S = 60.0
"""How long livekit may take for the hand-over: speech that is all there is heard, a tool waited for."""

_WORDS_S = 5.0
"""How long the recogniser may take for a turn that is over, heard anew."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a call has that the realtime model works with."""

    model: llm.RealtimeModel
    choice: Choice
    instructions: str
    toolbox: Toolbox
    turn_taking: TurnTaking
    recorder: RealtimeRecorder
    turn: UnfinishedTurn
    transcribes: bool
    """A recogniser listens beside a model that does not tell what the caller said."""
    unheard: str
    """Said when a turn, heard anew, brought no words."""
    begin: Callable[[], None]
    """Called when the cascade has the call."""


class TakeOver:
    """Of one call. `attach()` before the session starts, `begin()` after, `close()` at the end."""

    def __init__(self, parts: Parts, deadline: AnswerDeadline | None = None) -> None:
        """To be made in the session's loop."""
        self._parts = parts
        self._pending = pending = Pending()
        self._guard = Guard(pending, deadline or AnswerDeadline(), self._on_failed)
        gate = None
        if isinstance(parts.model, Reporting):
            parts.model.reports = self._guard.reports
            gate = parts.model.gate
        if (forgetful := _forgetful(parts.model)) is not None:
            forgetful.unanswered_s = lambda: pending.audio.unanswered_s
        self._turns = OwnTurns(parts.turn_taking, pending, parts.recorder, gate)
        self._beside = _beside(parts, pending)
        self.assistant = RealtimeAssistant(
            instructions=parts.instructions,
            toolbox=parts.toolbox,
            model=parts.model,
            turn_taking=parts.turn_taking,
            recorder=parts.recorder,
            guard=self._guard,
            turn=parts.turn,
            beside=self._beside,
        )
        self._session: AgentSession[None] | None = None
        self._successor: Successor | None = None
        self._failure: tuple[Reason, str] | None = None
        self._working: asyncio.Task[None] | None = None
        self._plays_out = False
        """An answer of the model's was all there when it failed."""
        self._remedy = Remedy()
        self._heard_again_s = 0.0
        self._answer: SpeechHandle | None = None
        self.is_done = False
        """The cascade has the call."""

    @property
    def agent(self) -> Agent:
        """Who has the session."""
        return self._successor if self.is_done and self._successor else self.assistant

    @property
    def audio(self) -> TurnAudio:
        """What the caller says in the turn in progress."""
        return self._pending.audio

    def tap(self, inner: rtc.FrameProcessor[rtc.AudioFrame]) -> Tap:
        """What the caller's sound goes through on its way to the session."""
        return Tap(inner, self._pending.audio)

    def attach(self, session: AgentSession[None], successor: Assistant) -> None:
        assert isinstance(successor, Successor)
        self._session = session
        self._successor = successor
        successor.on_begin = self._on_begin
        self._parts.recorder.on_done = self._guard.done
        self._guard.attach(session)
        self._turns.attach(session)
        if self._beside is not None:
            self._beside.attach(session, self.assistant)

    async def begin(self) -> None:
        """The session runs. Returns when the model has the call, or the cascade if it has failed.

        What is said before would be lost if there came no connection.
        """
        if isinstance(self._parts.model, Reporting):
            try:
                async with asyncio.timeout(_READY_S):
                    await self._guard.decided.wait()
            except TimeoutError:
                self._guard.failed("late", "no session in time")
        self._start()
        if self._working is None:
            self._guard.watch(self.assistant.realtime_llm_session)
        else:
            await asyncio.wait({self._working})

    async def instead(self) -> SpeechHandle | None:
        """The cascade's answer to what the model has left unanswered, once it is asked for. None while
        the model has the call, and where nothing was left."""
        if self._working is not None:
            await asyncio.wait({self._working})
        return self._answer

    def close(self) -> None:
        self._guard.close()
        self._turns.close()
        if self._beside is not None:
            self._beside.close()
        if self._working is not None:
            self._working.cancel()

    def _on_failed(self, reason: Reason, detail: str) -> None:
        self._failure = (reason, detail)
        self._plays_out = self._pending.is_playing_out
        if not self._plays_out:
            self._records_cascade()  # now: the turn whose answer fails is still open
        if self._session is not None and self._session.agent_state != "initializing":
            self._start()

    def _start(self) -> None:
        if self._failure is not None and self._working is None:
            work = self._work(*self._failure)
            self._working = asyncio.create_task(work, name="realtime-take-over")

    async def _work(self, reason: Reason, detail: str) -> None:
        try:
            await self._take_over(reason, detail)
        except RuntimeError:
            logger.debug("the session is closing")

    async def _take_over(self, reason: Reason, detail: str) -> None:
        session, successor = self._session, self._successor
        assert session is not None and successor is not None
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        try:
            await self._hand_over(session, successor)
        except TimeoutError:
            logger.exception("the hand-over takes too long")
        self._guard.close()
        self.is_done = True
        logger.warning(
            "the realtime model failed: the cascade has the call",
            extra={
                "reason": reason,
                "detail": detail,
                "model": str(self._realtime.spec),
                "took_ms": round((loop.time() - begun_s) * 1000),
                "heard_again_s": round(self._heard_again_s, 1),
            },
        )
        metrics.TAKEOVERS.labels(reason).inc()
        self._parts.begin()
        await self._mend(session, successor)

    async def _hand_over(self, session: AgentSession[None], successor: Successor) -> None:
        """Raises TimeoutError, or RuntimeError when the session is closing."""
        if isinstance(self._parts.model, Reporting):
            self._parts.model.give_up()
        if not self._plays_out:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SILENCED_S):
                    await session.interrupt(force=True)
        if self._beside is not None:
            self._beside.hand_over()
        await successor.update_chat_ctx(_so_far(self.assistant.chat_ctx))
        session.update_agent(successor)
        async with asyncio.timeout(_ENTERED_S):
            await successor.entered.wait()
            await successor.begun.wait()
        if self._plays_out:
            self._records_cascade()

    def _records_cascade(self) -> None:
        self._parts.recorder.hand_over(self._realtime.cascade, self._parts.choice.engines)

    def _on_begin(self) -> None:
        """The cascade's recogniser begins: from here on the caller's turn is its own."""
        self._parts.recorder.cascade_hears = True
        self._remedy = self._pending.remedy()
        if self._remedy.hear:
            if not self._remedy.is_over:
                self._pending.audio.only_newest()
            self._heard_again_s = self._pending.audio.kept_s
        else:
            self._pending.audio.settled()
        self._turns.close()
        self._parts.turn_taking.forget_turn()

    async def _mend(self, session: AgentSession[None], successor: Successor) -> None:
        """What the caller still waits for."""
        remedy = self._remedy
        if remedy.say is not None:
            session.say(remedy.say)
        if remedy.reply:
            self._answer = self._ask(session, successor)
        elif remedy.hear and remedy.is_over:
            words = await session.commit_user_turn(transcript_timeout=_WORDS_S)
            if not words and session.agent_state == "listening":
                session.say(self._parts.unheard)

    def _ask(self, session: AgentSession[None], successor: Successor) -> SpeechHandle:
        """Has the cascade answer the caller's last message."""
        asked = _last_question(self.assistant.chat_ctx)
        if asked and asked.text_content and successor.chat_ctx.get_by_id(asked.id) is None:
            # Typed while the call was handed over.
            return session.generate_reply(user_input=asked.text_content)
        context = _to_answer(successor.chat_ctx)
        if question := _last_question(context):
            self._parts.recorder.resume(question.id)
        return session.generate_reply(chat_ctx=context)

    @property
    def _realtime(self) -> Realtime:
        assert self._parts.choice.realtime is not None
        return self._parts.choice.realtime


def _forgetful(model: llm.RealtimeModel) -> Forgetful | None:
    inner = model.duplex_model if isinstance(model, llm.DuplexRealtimeAdapter) else model
    return inner if isinstance(inner, Forgetful) else None


def _beside(parts: Parts, pending: Pending) -> Beside | None:
    """None where the model tells what it heard, or Parley finds its turns."""
    abilities = parts.model.capabilities
    if not parts.transcribes or abilities.user_transcription or not abilities.turn_detection:
        return None
    return Beside(parts.turn_taking, parts.recorder, pending, parts.turn)


def _so_far(context: llm.ChatContext) -> llm.ChatContext:
    """The conversation, without what is livekit's own and without placeholders of what nobody knows."""
    return context.copy(
        exclude_instructions=True,
        exclude_empty_message=True,
        exclude_handoff=True,
        exclude_config_update=True,
    )


def _to_answer(context: llm.ChatContext) -> llm.ChatContext:
    """Up to the caller's last message and the tools' work for it: an answer that broke off is begun
    anew."""
    items = list(context.copy(exclude_handoff=True, exclude_config_update=True).items)
    while items and isinstance(items[-1], llm.ChatMessage) and items[-1].role == "assistant":
        items.pop()
    return llm.ChatContext(items)


def _last_question(context: llm.ChatContext) -> llm.ChatMessage | None:
    """The caller's last message."""
    return next((one for one in reversed(context.messages()) if one.role == "user"), None)
