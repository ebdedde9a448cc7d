"""Turns of a call with a realtime model as Parley itself finds them."""

from __future__ import annotations

import logging
from collections.abc import Callable

from livekit.agents import AgentSession, ConversationItemAddedEvent, llm
from livekit.plugins.speechcore import Timer

from agent.realtime.input_gate import STALE_S, InputGate
from agent.realtime.pending import Pending
from agent.realtime.recorder import RealtimeRecorder
from agent.turn_taking import TurnTaking
from agent.turns.gate import GateEvent, SpeechGate

logger = logging.getLogger(__name__)

WORDLESS_S = 1.2
"""So long after clear speech without a word the turn is over: the recogniser may not know the language
or be dead, and the model hears for itself."""

LEAST_SPEECH_S = 0.4
"""Shorter sound without words is a cough."""

MOST_WORDLESS = 2
"""So many turns in a row in which neither the recogniser nor the model heard a word: what comes then
is noise, and each answer to it is paid for."""


class OwnTurns:
    """Tells the recorder, the model's gate and what keeps the caller's sound what the VAD hears."""

    def __init__(
        self,
        turn_taking: TurnTaking,
        pending: Pending,
        recorder: RealtimeRecorder,
        gate: InputGate | None,
    ) -> None:
        """`gate`: of a model that is told when turns are over; None where it finds out by itself."""
        self._turn_taking = turn_taking
        self._pending = pending
        self._recorder = recorder
        self._gate = gate
        self._session: AgentSession[None] | None = None
        self._timer = Timer()
        self._is_new = False
        self._has_words = False
        self._wordless = 0
        """Turns in a row without a word so far."""
        self._on_words: Callable[[str], None] = turn_taking.on_words

    def attach(self, session: AgentSession[None]) -> None:
        """Before the session starts. Takes the turn-taking's callbacks, and leaves `on_words` its owner."""
        self._session = session
        session.on("conversation_item_added", self._on_item)
        taking = self._turn_taking
        taking.is_off = self._gate is None
        taking.on_sound = self._on_sound
        taking.on_spoke = self._spoke
        self._on_words = taking.on_words
        taking.on_words = self._worded

    def close(self) -> None:
        """The cascade has the call, or it is over. Twice is fine."""
        self._timer.cancel()
        if self._session is None:
            return
        self._session.off("conversation_item_added", self._on_item)
        self._session = None
        self._turn_taking.is_off = False
        self._turn_taking.on_sound = lambda gate, event: None
        self._turn_taking.on_spoke = lambda speech_s: None
        self._turn_taking.on_words = self._on_words

    def _spoke(self, speech_s: float) -> None:
        """The caller has paused after clear speech, the agent being silent."""
        self._timer.cancel()
        if self._gate is not None and speech_s >= LEAST_SPEECH_S and not self._has_words:
            self._timer.after(WORDLESS_S, self._commit)

    def _worded(self, words: str) -> None:
        """The recogniser has these words of the turn."""
        self._on_words(words)
        if words:
            self._has_words = True
            self._wordless = 0
            self._timer.cancel()
            if self._gate is not None:
                self._gate.open()  # speech too quiet for the VAD

    def _on_sound(self, gate: SpeechGate, event: GateEvent | None) -> None:
        if event is GateEvent.STARTED:
            self._timer.cancel()
            if self._pending.spoke():
                self._is_new, self._has_words = True, False
            if self._gate is not None:
                self._gate.open()
        elif event is GateEvent.PAUSED:
            self._pending.paused()
            self._recorder.heard(gate.speech_s, gate.silence_s, is_new=self._is_new)
            self._is_new = False
        elif gate.silence_s >= STALE_S and not gate.is_speaking:
            self._drop()

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        """The model may hear words where the recogniser hears none."""
        if isinstance(event.item, llm.ChatMessage) and event.item.role == "user":
            if (event.item.text_content or "").strip():
                self._wordless = 0

    def _drop(self) -> None:
        """What was heard was no turn."""
        if self._gate is None or not self._gate.is_open:
            return
        self._gate.close()
        self._pending.dropped()
        if self._session is not None:
            self._session.clear_user_turn()

    def _commit(self) -> None:
        if self._session is None or self._gate is None or not self._gate.is_open:
            return
        if self._wordless >= MOST_WORDLESS:
            self._drop()
            return
        self._wordless += 1
        logger.info("a turn without words is over")
        try:
            self._session.commit_user_turn(transcript_timeout=0.0)
        except RuntimeError:
            return  # the session is closing
