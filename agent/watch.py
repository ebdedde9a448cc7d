"""Ends what is stuck in a call and says so: the watchdog's eyes and hands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace

from livekit.agents import (
    NOT_GIVEN,
    AgentSession,
    AgentStateChangedEvent,
    ConversationItemAddedEvent,
    FlushSentinel,
    SpeechCreatedEvent,
    ToolCallEnded,
    ToolCallStarted,
    ToolExecutionUpdatedEvent,
    UserStateChangedEvent,
    llm,
    stt,
)
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.events import EventTypes
from livekit.plugins.speechcore import Timer

from agent import metrics
from agent.apology import Apologies
from agent.config import Settings
from agent.playout import Playout
from agent.profiles import STAGES
from agent.turn_record import TurnRecord
from agent.turn_recorder import TurnRecorder, is_spoken
from agent.turns.stt_events import FINAL, TRANSCRIPTS, text_of
from agent.turns.watchdog import (
    Action,
    Apologise,
    Apology,
    Cancel,
    End,
    Limits,
    State,
    View,
    Watchdog,
)

logger = logging.getLogger(__name__)

Chunk = llm.ChatChunk | str | FlushSentinel

_ERRORS = 10_000
"""As many as there may be until the third apology."""

_LAST_S = 1.5
"""What the last engine of a chain has, once all others have had their time."""

_LOOK_S = 0.5
"""So often the call is looked at while the agent has something to say: not all that changes it has an
event, such as the end of a hold, or that somebody hears the agent from now on."""

_TO_BLAME = {State.TOOL: "tool", State.VOICING: "tts", State.APOLOGISING: "tts"}


def limits(settings: Settings, profile: str, patience_s: Mapping[str, float]) -> Limits:
    """Those of the settings, and no shorter than a chain of engines needs to come to its last one:
    `patience_s` is what the others are given, by stage.

    In the simulated profile speech has only the words it is given.
    """
    words_s, text_s, voice_s = (patience_s.get(stage, 0.0) + _LAST_S for stage in STAGES)
    least = Limits()
    patient = replace(
        least,
        words_s=max(least.words_s, words_s),
        thinking_s=max(least.thinking_s, text_s),
        voice_s=max(least.voice_s, voice_s),
        sound_s=max(least.sound_s, voice_s),
    )
    scaled = patient.scaled(settings.agent_watchdog)
    if profile == "simulated":
        return replace(scaled, caller_s=0.0, words_s=0.0)
    return scaled


def tolerance(limits: Limits) -> SessionConnectOptions:
    """How many errors in a row a session outlives: three by livekit's rule, and a dead recogniser
    makes four in one sentence. A watchdog ends the call itself, with a goodbye."""
    options = SessionConnectOptions()
    return replace(options, max_unrecoverable_errors=_ERRORS) if limits.thinking_s else options


class Watch:
    """Watches one session. `attach()` begins once it has started, `close()` ends it."""

    def __init__(
        self,
        limits: Limits,
        apologies: Apologies,
        recorder: TurnRecorder,
        playout: Playout,
        *,
        end: Callable[[], None],
    ) -> None:
        """`end` is called when the call has failed for good and the goodbye was said."""
        self._dog = Watchdog(limits=limits)
        self._is_on = limits.thinking_s > 0
        self._apologies = apologies
        self._recorder = recorder
        self._playout = playout
        self._end = end
        self._session: AgentSession[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._timer = Timer()
        self._speeches: dict[SpeechHandle, float] = {}
        """With the time at which each was created."""
        self._tools: dict[str, str] = {}
        """The names of the tools that run, by their calls."""
        self._writing = 0
        self._sounded_s = float("-inf")
        self._given_up: set[int] = set()
        self._wants_no_answer = False
        """A tool has ended that leaves nothing to say."""
        self._apologies_due = 0
        """Those that were ordered and have not been said; the caller may give cause for another one
        while the first is being made."""
        self._is_own = False
        self._saying: set[asyncio.Task[None]] = set()

    def attach(self, session: AgentSession[None]) -> None:
        if not self._is_on:
            return
        self._session = session
        for event, handler in self._handlers.items():
            session.on(event, handler)
        self._look()

    def reset(self) -> None:
        """Another caller is listened to from now on."""
        self._dog.answered()

    def close(self) -> None:
        if self._session is not None:
            for event, handler in self._handlers.items():
                self._session.off(event, handler)
        self._session = None
        self._timer.cancel()
        for task in self._saying:
            task.cancel()
        self._apologies.close()

    def leave(self) -> None:
        """The session ends. livekit waits for the tools that still run: each has its time, no more."""
        if self._tools:
            names = set(self._tools.values())
            self._loop.call_later(self._dog.limits.tool_s, cancel_tools, names)

    async def hear(self, events: AsyncIterable[stt.SpeechEvent]) -> AsyncIterator[stt.SpeechEvent]:
        """Passes on all that the recogniser says."""
        async for event in events:
            if event.type in TRANSCRIPTS and text_of(event):
                self._dog.heard(self._loop.time())
                self._arm()
            yield event

    def took(self, event: stt.SpeechEvent) -> None:
        """The session gets this event of the recogniser."""
        if event.type in TRANSCRIPTS:
            has_words, is_final = bool(text_of(event)), event.type is FINAL
            self._dog.took(self._loop.time(), has_words=has_words, is_final=is_final)
            self._arm()

    async def write(self, chunks: AsyncIterable[Chunk]) -> AsyncIterator[Chunk]:
        """Passes on what the language model writes."""
        self._writing += 1
        try:
            async for chunk in chunks:
                self._dog.wrote(self._loop.time(), is_text=is_spoken(chunk))
                self._arm()
                yield chunk
        finally:
            self._writing -= 1
            self._look()

    def spoke(self, speech_s: float) -> None:
        """The caller has paused after clear speech of this length, in seconds."""
        self._dog.spoke(self._loop.time(), speech_s)
        self._arm()

    def sounded(self) -> None:
        """A frame of the agent's voice is played; called fifty times a second."""
        self._sounded_s = self._loop.time()
        self._dog.sounded(self._sounded_s)

    def finished(self, record: TurnRecord) -> None:
        """A turn has ended so."""
        if self._session is None:
            return
        if record.outcome == "failed":
            if record.turn not in self._given_up:
                self._failed()
        elif record.heard_chars:
            self._dog.answered()

    @property
    def _handlers(self) -> dict[EventTypes, Callable[..., None]]:
        return {
            "speech_created": self._on_speech,
            "conversation_item_added": self._on_item,
            "tool_execution_updated": self._on_tool,
            "user_state_changed": self._on_state,
            "agent_state_changed": self._on_state,
        }

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        if not self._is_own:
            self._speeches[event.speech_handle] = self._loop.time()
            event.speech_handle.add_done_callback(self._on_speech_done)
            self._loop.call_soon(self._look)  # it is not scheduled yet

    def _on_speech_done(self, handle: SpeechHandle) -> None:
        created_s = self._speeches.pop(handle)
        was_silent = handle.scheduled and not handle.interrupted and self._sounded_s < created_s
        if was_silent and not self._view().agent_busy:
            self._failed()
        self._look()

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, llm.ChatMessage) and event.item.role == "user":
            self._wants_no_answer = False
            self._dog.committed(self._loop.time())
            self._look()

    def _on_tool(self, event: ToolExecutionUpdatedEvent) -> None:
        match event.update:
            case ToolCallStarted(function_call=call):
                self._tools[call.call_id] = call.name
            case ToolCallEnded(call_id=call_id, status=status, message=message):
                self._tools.pop(call_id, None)
                self._wants_no_answer |= status == "done" and message is None
            case _:
                return
        self._dog.used_tool(self._loop.time())
        self._look()

    def _on_state(self, _: UserStateChangedEvent | AgentStateChangedEvent) -> None:
        self._look()

    def _view(self) -> View:
        session = self._session
        assert session is not None
        # Before somebody can hear it, speech waits as it should.
        is_busy = self._playout.is_heard and any(
            speech.scheduled and not speech.interrupted and not speech.done()
            for speech in self._speeches
        )
        return View(
            caller_active=session.user_state == "speaking" or self._playout.is_held,
            agent_busy=is_busy,
            agent_speaking=session.agent_state == "speaking",
            tool_running=bool(self._tools),
            llm_writing=self._writing > 0,
            apologising=self._apologies_due > 0,
        )

    def _look(self, at_s: float | None = None) -> None:
        if self._session is not None:
            now_s = max(self._loop.time(), at_s or 0.0)
            self._take(self._dog.process(now_s, self._view()))

    def _failed(self) -> None:
        if not self._wants_no_answer:
            self._take(self._dog.failed(self._loop.time()))

    def _take(self, actions: Sequence[Action]) -> None:
        self._apologies_due += sum(isinstance(action, Apologise) for action in actions)
        if actions:
            # Not in here: speech belongs to the context it is created in, and this may be that of
            # another speech's event.
            self._loop.call_soon(self._act, actions)
        self._arm()

    def _arm(self) -> None:
        """A timer for the moment at which there may be something to do. One that is early looks."""
        due_s = self._next_look_s()
        self._timer.at_latest(due_s, self._on_time, due_s)

    def _next_look_s(self) -> float | None:
        if self._session is None:
            return None
        due_s = self._dog.due_s
        if not self._speeches and not self._playout.is_held:
            return due_s
        look_s = self._loop.time() + _LOOK_S
        return look_s if due_s is None else min(due_s, look_s)

    def _on_time(self, at_s: float) -> None:
        self._look(at_s)  # the loop's clock may be a rounding error short of it

    def _act(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Cancel(state):
                    self._cancel(state)
                case Apologise(kind):
                    self._apologise(kind)
                case End():
                    self._end()

    def _cancel(self, state: State) -> None:
        logger.warning("the call was stuck", extra={"state": state.value})
        metrics.STUCK.labels(state.value).inc()
        if self._session is None:
            return
        try:
            if state in (State.WORDS, State.TURN):
                self._session.clear_user_turn()
                return
            self._give_up(state)
            self._session.interrupt(force=True)
        except RuntimeError:
            return  # the session is closing
        self._playout.clear_buffer()  # livekit does the same, some steps of the loop later

    def _give_up(self, state: State) -> None:
        fault = _TO_BLAME.get(state)
        if state is State.SPEAKING:
            fault = "llm" if self._writing else "tts"
        self._given_up.update(self._recorder.give_up(fault))
        cancel_tools(set(self._tools.values()))
        self._tools.clear()

    def _apologise(self, kind: Apology) -> None:
        logger.warning("the agent apologises", extra={"kind": kind.value})
        metrics.APOLOGIES.labels(kind.value).inc()
        saying = self._loop.create_task(self._say(kind), name="parley-apology")
        self._saying.add(saying)
        saying.add_done_callback(self._saying.discard)

    async def _say(self, kind: Apology) -> None:
        audio = await self._apologies.audio(kind)
        if self._session is None:
            return
        self._is_own = True
        try:
            text = self._apologies.text(kind)
            # Over sound that does not end it would be held until that ends, and nobody would hear it.
            may_interrupt = not self._view().caller_active
            handle = self._session.say(
                text,
                audio=NOT_GIVEN if audio is None else audio,
                allow_interruptions=NOT_GIVEN if may_interrupt else False,
            )
        except RuntimeError:  # the session is closing
            self._on_apology_done()
        else:
            handle.add_done_callback(self._on_apology_done)
        finally:
            self._is_own = False

    def _on_apology_done(self, _: SpeechHandle | None = None) -> None:
        self._apologies_due -= 1
        self._look()


def cancel_tools(names: set[str]) -> None:
    """livekit would let them run on, and wait for them at the end of the call."""
    for task in asyncio.all_tasks():
        if task.get_name().removeprefix("tool_exec_") in names:
            task.cancel()
