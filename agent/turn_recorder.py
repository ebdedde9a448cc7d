"""Watches a session and turns what happens into `TurnRecord`s. Public livekit seams only."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from livekit import rtc
from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    ConversationItemAddedEvent,
    ErrorEvent,
    FlushSentinel,
    SpeechCreatedEvent,
    UserStateChangedEvent,
    llm,
    stt,
)
from livekit.agents.types import USERDATA_TTS_STARTED_TIME
from livekit.agents.voice import SpeechHandle, io
from opentelemetry.context import Context, get_current

from agent import metrics
from agent.tracing import trace_turn
from agent.turn_record import Generation, Outcome, TranscriptTimes, TurnRecord, TurnTimes


@dataclass(eq=False)
class Attempt:
    """One speech of the agent, spoken or not."""

    handle: SpeechHandle
    generation: Generation
    turn: int
    """The number of the turn it is said in; one that answers mostly begins before its turn is over."""
    user_message_id: str | None = None
    """The message it answers; None for a greeting or an announcement."""
    is_given_up: bool = False


# livekit emits `speech_created` just before it creates the tasks of that speech, in the same
# context: what is set there is what the llm and tts nodes of that speech see.
ATTEMPT: ContextVar[Attempt | None] = ContextVar("parley_attempt", default=None)


@dataclass(kw_only=True)
class TurnRecorder:
    """One call's records. `publish` gets each finished record."""

    call: str
    profile: str
    engines: dict[str, str]
    publish: Callable[[TurnRecord], None]
    clock: Callable[[], float] = time.monotonic
    """Monotonic seconds."""
    wall: Callable[[], float] = time.time
    """The clock of livekit's own timestamps."""
    _turns: dict[str, TurnTimes] = field(default_factory=dict)
    _attempts: list[Attempt] = field(default_factory=list)
    _transcript: TranscriptTimes = field(default_factory=TranscriptTimes)
    _count: int = 0
    _dropped: int = 0
    _stt_faults: list[str] = field(default_factory=list)
    """Since the last turn: they are told with the next."""
    _has_begun: bool = False
    """The caller has spoken since the last turn."""
    _parent: Context = field(default_factory=get_current)
    """Of the spans of turns."""

    def attach(self, session: AgentSession[None], output: io.AudioOutput) -> None:
        """`output` tells when a speech begins to sound; the session itself may say so late."""
        self._session = session
        output.on("playback_started", lambda event: self._began(event.created_at))
        session.on("user_state_changed", self._on_user_state)
        session.on("speech_created", self._on_speech_created)
        session.on("conversation_item_added", self._on_item)
        session.on("agent_state_changed", self._on_agent_state)
        session.on("error", self._on_error)

    def current_turn(self) -> int:
        """The number of the turn that the running code works for: of its attempt at an answer, else
        the newest that the caller has begun; 0 before the first."""
        attempt = ATTEMPT.get()
        if attempt is not None and attempt in self._attempts:
            return attempt.turn
        return self._count + self._has_begun

    def next_turn(self) -> int:
        return self._count + 1

    def stt_event(self, event: stt.SpeechEvent) -> None:
        """Called by the assistant's STT node for every event."""
        text = event.alternatives[0].text if event.alternatives else ""
        if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT:
            self._transcript.finalised(text, self.clock())
        elif text:
            self._transcript.heard(text, self.clock())

    async def watch_llm(
        self,
        chat_ctx: llm.ChatContext,
        chunks: AsyncIterable[llm.ChatChunk | str | FlushSentinel],
    ) -> AsyncIterator[llm.ChatChunk | str | FlushSentinel]:
        """Passes the chunks on and notes the first that will be spoken."""
        attempt = ATTEMPT.get()
        if attempt is not None and attempt.user_message_id is None:
            attempt.user_message_id = _last_user_message(chat_ctx)
        async for chunk in chunks:
            if attempt is not None and attempt.generation.llm_first_s is None and is_spoken(chunk):
                attempt.generation.llm_first_s = self.clock()
            yield chunk

    async def watch_tts(
        self, frames: AsyncIterable[rtc.AudioFrame]
    ) -> AsyncIterator[rtc.AudioFrame]:
        """Passes the frames on and notes the first, and when its text went to the TTS."""
        attempt = ATTEMPT.get()
        async for frame in frames:
            if attempt is not None and attempt.generation.tts_first_s is None:
                attempt.generation.tts_first_s = self.clock()
                asked_s = frame.userdata.get(USERDATA_TTS_STARTED_TIME)
                if asked_s:
                    attempt.generation.clause_s = self.clock() - (time.perf_counter() - asked_s)
            yield frame

    def give_up(self, fault: str | None) -> list[int]:
        """Nothing more will come of the answers in progress: their turns are going to fail.

        `fault` is the stage to blame; None for the voice if there are words, else for the language
        model. Returns the numbers of the turns.
        """
        turns = []
        for attempt in self._attempts:
            if (times := self._turns.get(attempt.user_message_id or "")) is not None:
                attempt.is_given_up = True
                has_words = attempt.generation.llm_first_s is not None
                attempt.generation.faults.append(fault or ("tts" if has_words else "llm"))
                turns.append(times.turn)
        return turns

    def close(self) -> None:
        """Publishes the turns that will get no answer any more."""
        for user_message_id in list(self._turns):
            self._finish(user_message_id, "failed")

    def _on_speech_created(self, event: SpeechCreatedEvent) -> None:
        is_answer = event.source == "generate_reply"
        turn = self.next_turn() if is_answer else self._count
        attempt = Attempt(event.speech_handle, Generation(started_s=self.clock()), turn)
        self._attempts.append(attempt)
        event.speech_handle.add_done_callback(self._on_speech_done)
        ATTEMPT.set(attempt)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, llm.ChatMessage) and event.item.role == "user":
            self._commit(event.item)

    def _commit(self, message: llm.ChatMessage) -> None:
        self._count += 1
        self._has_begun = False
        words_final_s, stt_final_s = self._transcript.take()
        times = TurnTimes(turn=self._count, dropped_attempts=self._dropped, faults=self._stt_faults)
        self._dropped, self._stt_faults = 0, []
        started = message.metrics.get("started_speaking_at")
        stopped = message.metrics.get("stopped_speaking_at")
        if stopped is not None:
            times.speech_start_s = self._monotonic(started) if started else None
            times.speech_end_s = self._monotonic(stopped)
            times.eot_s = times.speech_end_s + message.metrics.get("end_of_turn_delay", 0.0)
        else:  # typed, or words under a noise in which the VAD heard no speech
            times.speech_end_s = words_final_s
            times.eot_s = self.clock()
        times.words_final_s, times.stt_final_s = words_final_s, stt_final_s
        self._turns[message.id] = times

    def _on_user_state(self, event: UserStateChangedEvent) -> None:
        self._has_begun |= event.new_state == "speaking"

    def _on_agent_state(self, event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._began(event.created_at)

    def _began(self, wall_s: float) -> None:
        """The current speech is heard, or read where nothing is spoken."""
        attempt = self._attempt_of(self._session.current_speech)
        if attempt is None or not attempt.user_message_id:
            return
        times = self._turns.get(attempt.user_message_id)
        if times is not None and times.playout_s is None:
            times.playout_s = self._monotonic(wall_s)
            times.generation = attempt.generation
            metrics.observe_response(times.record(self.call, self.engines, None), self.profile)

    def _on_speech_done(self, handle: SpeechHandle) -> None:
        attempt = self._attempt_of(handle)
        if attempt is None:
            return
        self._attempts.remove(attempt)
        times = self._turns.get(attempt.user_message_id or "")
        if times is None:
            if not handle.scheduled:
                self._dropped += 1
                metrics.SPECULATIONS_DROPPED.inc()
            return
        times.generation = attempt.generation
        replies = [
            item
            for item in handle.chat_items
            if isinstance(item, llm.ChatMessage) and item.role == "assistant"
        ]
        times.heard_chars = sum(len(reply.text_content or "") for reply in replies)
        if handle.interrupted and not attempt.is_given_up:
            self._finish(attempt.user_message_id, "interrupted")
        elif attempt.is_given_up or times.playout_s is None or not times.heard_chars:
            # Also an answer that broke off: livekit keeps no word of it in the conversation.
            self._finish(attempt.user_message_id, "failed")
        else:
            self._finish(attempt.user_message_id, "answered")

    def _on_error(self, event: ErrorEvent) -> None:
        kind = getattr(event.error, "type", "engine_error")
        self.engine_failed(str(kind).removesuffix("_error"))

    def engine_failed(self, stage: str) -> None:
        """Of an engine that works for the turn in progress, or the attempt at its answer."""
        metrics.FAULTS.labels(stage).inc()
        if stage == "stt":
            self._stt_faults.append(stage)
            return
        # An engine reports from a task of the attempt it works for, which may not be spoken yet.
        attempt = ATTEMPT.get()
        if attempt not in self._attempts:
            attempt = self._attempt_of(self._session.current_speech)
        if attempt is not None:
            attempt.generation.faults.append(stage)

    def _finish(self, user_message_id: str | None, outcome: Outcome) -> None:
        times = self._turns.pop(user_message_id or "", None)
        if times is not None:
            record = times.record(self.call, self.engines, outcome)
            metrics.observe_outcome(record)
            zero_s = times.zero_s if times.zero_s is not None else self.clock()
            trace_turn(record, self.wall() - (self.clock() - zero_s), self._parent)
            self.publish(record)

    def _attempt_of(self, handle: SpeechHandle | None) -> Attempt | None:
        return next((attempt for attempt in self._attempts if attempt.handle is handle), None)

    def _monotonic(self, wall_s: float) -> float:
        return self.clock() - (self.wall() - wall_s)


def _last_user_message(chat_ctx: llm.ChatContext) -> str | None:
    """The message an attempt answers; None when nothing is being answered."""
    for item in reversed(chat_ctx.items):
        if isinstance(item, llm.ChatMessage):
            if item.role == "user":
                return item.id
            if item.role == "assistant":
                return None
    return None


def is_spoken(chunk: llm.ChatChunk | str | FlushSentinel) -> bool:
    """Whether a piece of the language model's answer has words to say."""
    if isinstance(chunk, str):
        return bool(chunk.strip())
    return isinstance(chunk, llm.ChatChunk) and bool(chunk.delta and chunk.delta.content)
