"""Who has the floor: turns the agent down while the caller makes a sound, then stops or goes on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from livekit.agents import AgentSession, stt

from agent import metrics
from agent.playout import Playout
from agent.turns.gate import GateEvent, SpeechGate
from agent.turns.overlap import Heard, Move, OverlapPolicy, OverlapView, Phase
from agent.turns.transcript import same_words
from agent.turns.voice_level import VoiceLevel

logger = logging.getLogger(__name__)

_STARTING_S = 1.0
_TICK_S = 0.1
_STALE_S = 1.5
"""Words held for so long without a decision belong to no sound that the VAD heard."""

_DEAF_S = 0.3
"""Without a VAD window for so long the caller's microphone is off: there is no sound."""

WordsOver = Callable[[str], Heard]
"""What words that were said over the agent mean."""


class Floor:
    """Between the recogniser and the session: words over the agent's speech wait for a decision.

    `give` gets the events that the session may know.
    """

    def __init__(
        self,
        playout: Playout,
        words_over: WordsOver,
        give: Callable[[stt.SpeechEvent], None],
        *,
        has_partials: bool = True,
        is_echo: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._playout = playout
        self._words_over = words_over
        self._give = give
        self._is_echo = is_echo
        self._clock = clock
        self._policy = OverlapPolicy(has_partials=has_partials)
        self._level = VoiceLevel()
        self._gate: SpeechGate | None = None
        self._session: AgentSession[None] | None = None
        self._held: list[stt.SpeechEvent] = []
        self._held_s = 0.0
        self._dropped_text = ""
        self._window_s = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def attach(self, session: AgentSession[None]) -> None:
        self._session = session

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._session = None

    @property
    def phase(self) -> Phase:
        started_s = self._playout.started_s
        if started_s is not None:
            is_new = self._clock() - started_s < _STARTING_S
            return Phase.STARTING if is_new else Phase.SPEAKING
        speech = self._session.current_speech if self._session else None
        is_coming = speech is not None and not speech.interrupted and not speech.done()
        return Phase.THINKING if is_coming else Phase.SILENT

    def on_window(self, gate: SpeechGate, event: GateEvent | None) -> None:
        """Called for each VAD window."""
        self._gate = gate
        self._window_s = self._clock()
        if event is GateEvent.PAUSED and self.phase is Phase.SILENT and not self._policy.is_open:
            self._level.spoke(gate.peak_dbfs, gate.speech_s)
        self._look()

    def hear(self, event: stt.SpeechEvent) -> None:
        """Takes an event of the recogniser; it is given on, held or dropped."""
        text = _text(event)
        if not text or event.type not in _TRANSCRIPTS:
            self._give(event)
        elif self._dropped_text and same_words(text, self._dropped_text):
            if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
                self._dropped_text = ""
        elif self.phase is Phase.SILENT and not self._policy.is_open:
            self._dropped_text = ""
            self._give(event)
        elif self._policy.is_yielding:
            self._give(event)
        else:
            self._hold(event)
            self._look()

    def _hold(self, event: stt.SpeechEvent) -> None:
        if self._held and self._held[-1].type is not stt.SpeechEventType.FINAL_TRANSCRIPT:
            self._held.pop()  # a partial that this one replaces
        self._held.append(event)
        self._held_s = self._clock()

    def _look(self) -> None:
        if self._held and not self._policy.is_open:
            if self._is_echo() or self._clock() - self._held_s > _STALE_S:
                self._drop()
        if (move := self._policy.process(self._view())) is not None:
            self._make(move)
        if self._policy.is_open and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TICK_S, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._look()

    def _view(self) -> OverlapView:
        gate = self._gate or SpeechGate()
        deaf_s = self._clock() - self._window_s
        is_deaf = deaf_s > _DEAF_S
        return OverlapView(
            phase=self.phase,
            is_sounding=gate.is_speaking and not is_deaf,
            sound_s=gate.speech_s,
            silence_s=deaf_s if is_deaf else gate.silence_s,
            heard=self._words_over(self._held_text) if self._held else "none",
            is_far=self._level.is_far(gate.peak_dbfs),
            is_echo=self._is_echo(),
        )

    def _make(self, move: Move) -> None:
        logger.debug("overlap", extra={"move": move.value, **self._facts()})
        match move:
            case Move.DUCK:
                if self.phase is Phase.THINKING:
                    self._playout.hold()
                else:
                    self._playout.duck()
                return
            case Move.YIELD:
                self._interrupt()
                self._release()
            case Move.IGNORE:
                self._drop()
            case Move.RELEASE:
                view = self._view()
                if view.heard == "backchannel" or view.is_far or view.is_echo:
                    self._drop()
                else:
                    self._release()
        metrics.OVERLAPS.labels(move.value).inc()
        self._playout.restore()
        self._playout.release()

    def _facts(self) -> dict[str, object]:
        """For the log: what the decision was made from, without the words."""
        view = self._view()
        gate = self._gate or SpeechGate()
        return {
            "phase": view.phase.value,
            "heard": view.heard,
            "sound_s": round(view.sound_s, 2),
            "silence_s": round(view.silence_s, 2),
            "peak_dbfs": round(gate.peak_dbfs, 1),
            "usual_dbfs": self._level.dbfs and round(self._level.dbfs, 1),
        }

    def _interrupt(self) -> None:
        assert self._session is not None
        try:
            self._session.interrupt()
        except RuntimeError:
            logger.debug("the speech could not be interrupted")
        else:
            self._playout.clear_buffer()  # livekit does the same, some steps of the loop later

    def _release(self) -> None:
        held, self._held = self._held, []
        for event in held:
            self._give(event)

    def _drop(self) -> None:
        """The rest of the segment's events may still come."""
        if self._held and self._held[-1].type is not stt.SpeechEventType.FINAL_TRANSCRIPT:
            self._dropped_text = _text(self._held[-1])
        self._held.clear()

    @property
    def _held_text(self) -> str:
        return " ".join(_text(event) for event in self._held)


_TRANSCRIPTS = (
    stt.SpeechEventType.INTERIM_TRANSCRIPT,
    stt.SpeechEventType.PREFLIGHT_TRANSCRIPT,
    stt.SpeechEventType.FINAL_TRANSCRIPT,
)


def _text(event: stt.SpeechEvent) -> str:
    return event.alternatives[0].text.strip() if event.alternatives else ""
