"""Who has the floor: turns the agent down while the caller makes a sound, then stops or goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from livekit.agents import AgentSession, stt

from agent import metrics
from agent.playout import Playout
from agent.turns.gate import GateEvent, SpeechGate
from agent.turns.held import HeldWords
from agent.turns.overlap import Move, OverlapPolicy, OverlapView, Phase
from agent.turns.stt_events import FINAL, TRANSCRIPTS, text_of, without_words
from agent.turns.voice_level import VoiceLevel
from agent.turns.words import Heard

logger = logging.getLogger(__name__)

_STARTING_S = 1.0
_TICK_S = 0.1
_DEAF_S = 1.0
"""Without a VAD window for so long no sound comes in."""

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
        clock: Callable[[], float],
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
        self._held = HeldWords()
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

    def is_clear(self, gate: SpeechGate) -> bool:
        """Whether the newest sound is the caller's, and neither over the agent's nor its echo."""
        is_alone = self.phase is Phase.SILENT and not self._policy.is_open
        return is_alone and not self._level.is_far(gate.peak_dbfs) and not self._is_echo()

    def reset(self) -> None:
        """Somebody else speaks from now on."""
        self._level = VoiceLevel()
        self.forget_words()

    def forget_words(self) -> None:
        """What waits for a decision will be heard again, or never."""
        self._held = HeldWords()

    def on_window(self, gate: SpeechGate, event: GateEvent | None) -> None:
        """Called for each VAD window."""
        self._gate = gate
        self._window_s = self._clock()
        if self.phase is Phase.SILENT and not self._policy.is_open:
            if event is GateEvent.STARTED:
                self._held.forget_dropped()
            elif event is GateEvent.PAUSED:
                self._level.spoke(gate.peak_dbfs, gate.speech_s)
        self._look()

    def hear(self, event: stt.SpeechEvent) -> None:
        """Takes an event of the recogniser; it is given on, held or dropped."""
        if event.type not in TRANSCRIPTS:
            self._give(event)
        elif self._held.is_of_dropped(event):
            if event.type is FINAL:
                self._give(without_words(event))
        elif not text_of(event) or self._policy.is_yielding:
            self._give(event)
        elif self.phase is Phase.SILENT and not self._policy.is_open:
            self._settle()
            self._give(event)
        else:
            self._held.hold(event, self._clock())
            self._look()

    def _look(self) -> None:
        speech = self._session.current_speech if self._session else None
        if speech is not None and not speech.allow_interruptions:
            self._wait_for_end()
            return
        view = self._view()
        if self._held.events and not self._policy.is_open:
            if view.phase is Phase.SILENT:
                self._settle()
            elif view.is_echo or self._held.are_stale(self._clock()):
                self._drop()
        if (move := self._policy.process(view)) is not None:
            self._make(move, view)
        if (self._policy.is_open or self._policy.is_yielding) and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TICK_S, self._tick)

    def _wait_for_end(self) -> None:
        """What is said over speech that must not be interrupted waits; the speech does not."""
        if self._policy.is_open:
            self._policy.is_open = False
            self._play_on()

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
            heard=self._words_over(self._held.text) if self._held.events else "none",
            is_far=self._level.is_far(gate.peak_dbfs),
            is_echo=self._is_echo(),
        )

    def _make(self, move: Move, view: OverlapView) -> None:
        logger.debug("overlap", extra={"move": move.value, **self._facts(view)})
        match move:
            case Move.DUCK:
                self._playout.duck()
                return
            case Move.HOLD:
                self._playout.hold()
                return
            case Move.YIELD:
                self._interrupt()
                self._release()
            case Move.IGNORE:
                self._drop()
            case Move.RELEASE:
                self._settle()
        metrics.OVERLAPS.labels(move.value).inc()
        self._play_on()

    def _play_on(self) -> None:
        self._playout.restore()
        self._playout.release()

    def _settle(self) -> None:
        """The agent has finished: what was held is a turn, unless it was meant for nobody."""
        if self._held.events:
            view = self._view()
            if view.heard == "backchannel" or view.is_far or view.is_echo:
                self._drop()
            else:
                self._release()

    def _facts(self, view: OverlapView) -> dict[str, object]:
        """For the log: what the decision was made from, without the words."""
        return {
            "phase": view.phase.value,
            "heard": view.heard,
            "sound_s": round(view.sound_s, 2),
            "silence_s": round(view.silence_s, 2),
            "peak_dbfs": round(self._gate.peak_dbfs, 1) if self._gate else None,
            "usual_dbfs": self._level.dbfs and round(self._level.dbfs, 1),
        }

    def _interrupt(self) -> None:
        if self._session is None:
            return
        try:
            self._session.interrupt()
        except RuntimeError:
            logger.debug("the speech could not be interrupted")
        else:
            self._playout.clear_buffer()  # livekit does the same, some steps of the loop later

    def _release(self) -> None:
        for event in self._held.release():
            self._give(event)

    def _drop(self) -> None:
        for event in self._held.drop():
            self._give(event)
