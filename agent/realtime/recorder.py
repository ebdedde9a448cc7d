"""Turn records of a model that hears and speaks by itself: what can be known of them."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from livekit.agents import ConversationItemAddedEvent, ErrorEvent, SpeechCreatedEvent, llm
from livekit.agents.voice import SpeechHandle

from agent import metrics
from agent.profiles import Choice
from agent.turn_record import Generation, TurnRecord, TurnTimes
from agent.turn_recorder import ATTEMPT, Attempt, TurnRecorder

STAGE = "realtime"
"""What a fault of the model is called in a record."""

Word = TypeVar("Word", bound=str)


def recorder_of(
    choice: Choice, *, call: str, publish: Callable[[TurnRecord], None]
) -> TurnRecorder:
    """The recorder of a call with these engines."""
    if choice.realtime is None:
        return TurnRecorder(
            call=call, profile=choice.profile, engines=choice.engines, publish=publish
        )
    return RealtimeRecorder(
        call=call, profile=choice.profile, engines=choice.realtime.engines, publish=publish
    )


@dataclass(kw_only=True)
class RealtimeRecorder(TurnRecorder):
    """A turn is over when the model is asked for an answer, or begins one by itself after the caller
    has spoken.

    There are no words before they are transcribed, unless a recogniser listens beside the model, and
    no clauses: those times stay None. After `hand_over` it records a cascade, as its base does.
    """

    is_live: bool = True
    """The realtime model has the call."""
    cascade_hears: bool = False
    """The cascade's recogniser has begun: until then the words of a turn are the model's, late."""
    on_done: Callable[[SpeechHandle], None] = lambda handle: None
    """Told of each speech of the model's that is done, before it is recorded."""
    _speech: tuple[float | None, float | None] = (None, None)
    """Where the caller's newest turn began and was last heard, on `clock`."""
    _unheard: TurnTimes | None = None
    """The newest turn, if the model answered before the caller was found to have paused."""
    _open: TurnTimes | None = None
    """The newest turn, until its answer is over."""
    _withheld: TurnTimes | None = None
    """The turn that the model left unanswered."""

    def heard(self, speech_s: float, silence_s: float, *, is_new: bool) -> None:
        """The caller has spoken for so long, and then been silent; `is_new`: that begins a turn."""
        end_s = self.clock() - silence_s
        first_s = None if is_new else self._speech[0]
        speech = (end_s - speech_s if first_s is None else first_s, end_s)
        if (times := self._unheard) is not None:
            times.speech_start_s, times.speech_end_s = speech
            self._unheard = None
        else:
            self._speech = speech

    async def watch_words(self, words: AsyncIterable[Word]) -> AsyncIterator[Word]:
        """Passes on what the model says, and notes the first word."""
        attempt = ATTEMPT.get()
        async for word in words:
            if attempt is not None and attempt.generation.llm_first_s is None and word.strip():
                attempt.generation.llm_first_s = self.clock()
            yield word

    def hand_over(self, profile: str, engines: dict[str, str]) -> None:
        """The model has failed: from now on these engines have the call, and they answer the turn
        that has no answer yet."""
        metrics.FAULTS.labels(STAGE).inc()
        self.is_live = False
        self.profile, self.engines = profile, engines
        self._withheld, self._open = self._open, None
        self._turns.clear()
        self._transcript.take()
        if self._withheld is not None:
            self._count -= 1
        self._stt_faults.append(STAGE)

    def resume(self, user_message_id: str) -> None:
        """That turn is answered now: its message is in the conversation already."""
        if (times := self._withheld) is not None:
            self._count += 1
            self._turns[user_message_id] = replace(
                times, faults=[*times.faults, *self._stt_faults], generation=None
            )
            self._stt_faults = []
            self._withheld = None

    def _on_speech_created(self, event: SpeechCreatedEvent) -> None:
        has_heard = self._speech != (None, None)
        is_answer = event.user_initiated or has_heard or self._has_begun
        if not self.is_live or event.source != "generate_reply" or not is_answer:
            super()._on_speech_created(event)
            return
        self._count += 1
        self._has_begun = False
        handle = event.speech_handle
        times = TurnTimes(turn=self._count, eot_s=self.clock())
        if handle.input_details.modality == "audio":
            times.speech_start_s, times.speech_end_s = self._speech
            self._unheard = None if has_heard else times
        self._speech = (None, None)
        self._turns[handle.id] = self._open = times
        attempt = Attempt(handle, Generation(started_s=self.clock()), self._count, handle.id)
        self._attempts.append(attempt)
        handle.add_done_callback(self._on_speech_done)
        ATTEMPT.set(attempt)

    def _on_speech_done(self, handle: SpeechHandle) -> None:
        if self.is_live:
            self.on_done(handle)
        times = self._turns.get(handle.id)
        super()._on_speech_done(handle)
        if times is not None and times is self._open:
            self._open = None

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if not self.is_live and self.cascade_hears:
            super()._on_item(event)
        elif isinstance(event.item, llm.ChatMessage) and event.item.role == "user" and self._open:
            words_final_s, final_s = self._transcript.take()
            self._open.words_final_s = words_final_s
            self._open.stt_final_s = self.clock() if final_s is None else final_s

    def _on_error(self, event: ErrorEvent) -> None:
        if not self.is_live or getattr(event.error, "type", "") != "realtime_model_error":
            super()._on_error(event)
