"""One call's turn-taking, put together for livekit: its VAD, its turn detector, what it hears."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass, replace

from livekit.agents import (
    AgentSession,
    ConversationItemAddedEvent,
    TurnHandlingOptions,
    inference,
    llm,
    stt,
    utils,
    vad,
)
from livekit.plugins.speechcore import EngineError

from agent.config import Settings
from agent.floor import Floor
from agent.playout import Playout
from agent.profiles import ProfileError
from agent.turns.caller_vad import CallerVAD
from agent.turns.detector import NoiseBedTurnDetector
from agent.turns.endpointing import ClassicPolicy, EndpointingPolicy, HazardPolicy, VadPolicy
from agent.turns.gate import GateEvent, SpeechGate
from agent.turns.hazard_detector import HazardTurnDetector
from agent.turns.overlap import Phase
from agent.turns.patience import Pace, parse_patience
from agent.turns.stt_events import FINAL, INTERIM, PARTIALS, PREFLIGHT
from agent.turns.transcript import same_words
from agent.turns.turn_taker import TurnTaker
from agent.turns.words import NEUTRAL, Heard, Verdict, WordsJudge, overlap_words

logger = logging.getLogger(__name__)

_INTERRUPT_AFTER_S = 3600.0
"""livekit's own interruption by sound alone is off: `Floor` decides."""

_LEAST_DELAY_S = 0.25
"""livekit's, for words of which the VAD heard nothing: without it they would be a turn at once."""

MAX_SPECULATIONS = 12
"""A turn: with three, livekit's default, one sentence uses them up."""

_LONGEST_SPECULATED_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Words:
    """What is made of words: whether a turn may end after them, whether they are a turn at all."""

    judge: Callable[[str, str], Verdict]
    """Of the turn so far, and what the agent said before it."""
    over_speech: Callable[[str, str], Heard]
    """Of what was said while the agent spoke, and what the agent had said."""

    @classmethod
    def of(cls, language: str, judge: WordsJudge) -> Words:
        """The judge knows English. In other languages voice and silence decide, and any word
        interrupts."""
        if language.partition("-")[0] == "en":
            return cls(judge=judge.judge, over_speech=overlap_words)
        return cls(
            judge=lambda words, agent_said: NEUTRAL, over_speech=lambda words, agent_said: "content"
        )


class TurnTaking:
    """Owned by the call: `attach` it before the session starts, `close` it after."""

    def __init__(
        self,
        policy: EndpointingPolicy,
        words: Words,
        playout: Playout,
        *,
        has_partials: bool = True,
        is_echo: Callable[[], bool] = lambda: False,
        voice: vad.VAD | None = None,
        end_of_turn: NoiseBedTurnDetector | None = None,
    ) -> None:
        """`voice` and `end_of_turn` are livekit's local models by default.

        To be made in the session's loop, whose clock all times are on.
        """
        clock = asyncio.get_running_loop().time
        self._words = words
        self._agent_said = ""
        self._taker = TurnTaker(policy, self._judged, clock=clock)
        self._floor = Floor(
            playout,
            self._over_speech,
            self._give,
            has_partials=has_partials,
            is_echo=is_echo,
            clock=clock,
        )
        self._events = utils.aio.Chan[stt.SpeechEvent]()
        self._speculated: stt.SpeechEvent | None = None
        self.vad = CallerVAD(voice)
        self.vad.on_window = self._on_window
        self.on_spoke: Callable[[float], None] = lambda speech_s: None
        """Called when the caller pauses after speech while the agent is silent, with its length."""
        self.on_words: Callable[[str], None] = lambda words: None
        """Called with the words of the caller's turn so far."""
        self.on_sound: Callable[[SpeechGate, GateEvent | None], None] = lambda gate, event: None
        """Called for each VAD window, with the change it made."""
        self.is_off = False
        """A realtime model finds out by itself who has the floor."""
        self.detector = HazardTurnDetector(self._taker, end_of_turn)

    @property
    def on_model(self) -> Callable[[str, float], None]:
        """To be told how probable an end is to the language model, after which words."""
        return self._taker.on_model

    @property
    def words(self) -> str:
        """Of the caller's turn so far."""
        return self._taker.transcript.text

    def options(self) -> TurnHandlingOptions:
        """Local models only: every part that could ask a cloud is pinned."""
        return {
            "turn_detection": self.detector,
            "endpointing": {"mode": "fixed", "min_delay": _LEAST_DELAY_S, "max_delay": 0.5},
            "interruption": {
                "mode": "vad",
                "min_duration": _INTERRUPT_AFTER_S,
                "resume_false_interruption": False,
                "discard_audio_if_uninterruptible": False,  # the caller's words wait instead
            },
            "preemptive_generation": {
                "enabled": True,
                "preemptive_tts": True,
                "max_retries": MAX_SPECULATIONS,
                "max_speech_duration": _LONGEST_SPECULATED_S,
            },
        }

    def attach(self, session: AgentSession[None]) -> None:
        self._floor.attach(session)
        session.on("conversation_item_added", self._on_item)

    def reset(self) -> None:
        """Another caller is listened to from now on."""
        self._floor.reset()
        self._taker.pace = Pace()

    def forget_turn(self) -> None:
        """The caller's turn so far is heard anew."""
        self._taker.committed()
        self._floor.forget_words()

    def close(self) -> None:
        self._floor.close()

    async def listen(
        self, events: AsyncIterable[stt.SpeechEvent]
    ) -> AsyncIterator[stt.SpeechEvent]:
        """What the session may know of the recogniser's events, and when."""
        self._events = utils.aio.Chan[stt.SpeechEvent]()
        taking = asyncio.create_task(self._take(events, self._events), name="turn-taking-listen")
        try:
            async for event in self._events:
                yield event
            await taking
        finally:
            await utils.aio.cancel_and_wait(taking)

    async def _take(
        self, events: AsyncIterable[stt.SpeechEvent], given: utils.aio.Chan[stt.SpeechEvent]
    ) -> None:
        try:
            async for event in events:
                self._hear(event)
        finally:
            given.close()

    def _hear(self, event: stt.SpeechEvent) -> None:
        try:
            self._floor.hear(event)
        except Exception:  # it would end the recogniser for the rest of the call
            logger.exception("an event of the recogniser was not taken")
            self._send(event)

    def _give(self, event: stt.SpeechEvent) -> None:
        may_begin = self._taker.on_stt(event)
        self.on_words(self._taker.transcript.text)
        if event.type is FINAL:
            event = self._as_speculated(event)
        elif event.type in PARTIALS:
            kind = PREFLIGHT if may_begin else INTERIM
            event = replace(event, type=kind)
            if may_begin:
                self._speculated = event
        self._send(event)

    def _send(self, event: stt.SpeechEvent) -> None:
        if not self._events.closed:
            self._events.send_nowait(event)

    def _as_speculated(self, event: stt.SpeechEvent) -> stt.SpeechEvent:
        """livekit begins the answer anew when the final text differs in a comma."""
        begun, self._speculated = self._speculated, None
        if begun is None or not event.alternatives:
            return event
        final, partial = event.alternatives[0], begun.alternatives[0]
        if not same_words(final.text, partial.text):
            return event
        return replace(event, alternatives=[replace(final, text=partial.text)])

    def _on_window(self, gate: SpeechGate, event: GateEvent | None) -> None:
        self._taker.on_window(gate, event)
        if not self.is_off:
            self._floor.on_window(gate, event)
        self.on_sound(gate, event)
        if event is GateEvent.PAUSED and self._floor.is_clear(gate):
            self.on_spoke(gate.speech_s)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, llm.ChatMessage) and event.item.role == "assistant":
            self._agent_said = event.item.text_content or ""

    def _over_speech(self, words: str) -> Heard:
        # What the agent is saying at present is not known until it has said it.
        is_over = self._floor.phase is Phase.SILENT
        return self._words.over_speech(words, self._agent_said if is_over else "")

    def _judged(self, words: str) -> Verdict:
        return self._words.judge(words, self._agent_said)


def endpointing(settings: Settings) -> EndpointingPolicy:
    """The policy of `AGENT_TURNS`, as patient as `AGENT_PATIENCE`."""
    match settings.agent_turns:
        case "vad":
            return VadPolicy()
        case "classic":
            return ClassicPolicy()
        case _:
            return HazardPolicy(
                budget=parse_patience(settings.agent_patience),
                pause_weight=settings.agent_pause_score_weight,
            )


def asks_model(settings: Settings) -> bool:
    """Whether the language model says where a turn may end; the simple policies ask nobody."""
    return settings.agent_turns == "hazard" and settings.agent_turn_llm == "on"


def voice_activity(settings: Settings) -> vad.VAD:
    """The VAD of `AGENT_VAD`; on the main thread, where livekit registers plugins.

    Raises ProfileError with a sentence when it cannot be had.
    """
    try:
        match settings.agent_vad:
            case "ten_vad":
                from livekit.plugins import ten_vad

                return ten_vad.VAD()
            case "webrtc_vad":
                from livekit.plugins import webrtc_vad

                return webrtc_vad.VAD()
            case _:
                return inference.VAD()
    except EngineError as e:
        raise ProfileError(f"AGENT_VAD: {e}.") from e
