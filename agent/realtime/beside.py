"""A recogniser beside a model that hears and speaks by itself and does not tell what it heard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable

from livekit.agents import (
    Agent,
    AgentSession,
    SpeechCreatedEvent,
    UserStateChangedEvent,
    llm,
    stt,
    utils,
)
from livekit.plugins.speechcore import Timer

from agent.continuity.unfinished import UnfinishedTurn
from agent.realtime.caller_words import CallerWords, Said
from agent.realtime.pending import Pending
from agent.realtime.recorder import RealtimeRecorder
from agent.turn_taking import TurnTaking
from agent.turns.stt_events import FINAL, TRANSCRIPTS, text_of, without_words

_IGNORED_S = 10.0
"""After so long a silence the model will not answer what was said. Longer than a line may be broken."""


class Beside:
    """Of one call. Its words go to the page and into the conversation, and to nobody else.

    livekit is told of them as of the model's own transcript: of words of a recogniser it would make
    turns of its own, also at the end of a call. A turn is dated to where it began, so that it stands
    before its answer however late the words are.
    """

    def __init__(
        self,
        turn_taking: TurnTaking,
        recorder: RealtimeRecorder,
        pending: Pending,
        turn: UnfinishedTurn,
    ) -> None:
        self._turn_taking = turn_taking
        self._recorder = recorder
        self._pending = pending
        self._turn = turn
        self._words = CallerWords()
        self._timer = Timer()
        self._session: AgentSession[None] | None = None
        self._agent: Agent | None = None
        self.flush: Callable[[], object] = lambda: None
        """Makes the recogniser's words final; livekit asks for that only where it finds the turns."""

    def attach(self, session: AgentSession[None], agent: Agent) -> None:
        """Before the session starts; `agent` has the model."""
        self._session, self._agent = session, agent
        session.on("user_state_changed", self._on_user_state)
        session.on("speech_created", self._on_speech)

    def close(self) -> None:
        """The cascade has the call, or it is over. Twice is fine."""
        self._timer.cancel()
        if self._session is not None:
            self._session.off("user_state_changed", self._on_user_state)
            self._session.off("speech_created", self._on_speech)
        self._session = self._agent = None

    async def listen(
        self, events: AsyncIterable[stt.SpeechEvent]
    ) -> AsyncIterator[stt.SpeechEvent]:
        """What the session may know of the recogniser's events."""
        async for event in events:
            if event.type not in TRANSCRIPTS or not event.alternatives:
                yield event
                continue
            self._recorder.stt_event(event)
            self._hear(text_of(event), is_final=event.type is FINAL)
            if event.type is FINAL:  # livekit waits for one at the end of a call
                yield without_words(event)

    def hand_over(self) -> None:
        """The model has failed: what has no answer yet is heard again, or is in the conversation."""
        if self._pending.remedy().hear:
            self._words.forget()
        elif said := self._words.all():
            self._tell(said)
            self._pending.typed()
        self.close()

    def _hear(self, words: str, *, is_final: bool) -> None:
        if self._session is None:
            return
        self._words.heard(words, time.time(), is_final=is_final)
        self._timer.after(_IGNORED_S, self._on_silence)
        if said := self._words.ready():
            self._tell(said)
        elif self._words.text:
            self._turn_taking.on_words(self._words.text)
            self._emit(self._words.text, is_final=False)

    def _on_user_state(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._words.began(event.created_at)
        elif self._words.is_answered:
            self.flush()

    def _on_silence(self) -> None:
        if self._session is None:
            return
        if "speaking" in (self._session.agent_state, self._session.user_state):
            self._timer.after(_IGNORED_S, self._on_silence)
        elif said := self._words.all():
            self._tell(said)
            self._pending.dropped()

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        if event.source == "generate_reply" and not event.user_initiated:
            # Once all others know of it: whoever keeps the turn has to be there before its words.
            asyncio.get_running_loop().call_soon(self._on_answer)

    def _on_answer(self) -> None:
        self._words.answered()
        if said := self._words.ready():
            self._tell(said)
        elif self._session is not None and self._session.user_state != "speaking":
            self.flush()

    def _tell(self, said: Said) -> None:
        self._emit(self._turn.whole(said.words), is_final=True, began_s=said.began_s)

    def _emit(self, words: str, *, is_final: bool, began_s: float | None = None) -> None:
        if self._agent is None:
            return
        try:
            model = self._agent.realtime_llm_session
        except RuntimeError:
            return  # the session is closing
        model.emit(
            "input_audio_transcription_completed",
            llm.InputTranscriptionCompleted(
                item_id=utils.shortuuid("item_"),
                transcript=words,
                is_final=is_final,
                turn_started_at=began_s,
            ),
        )
