"""One caller's turn in progress: what was heard of it, and whether it is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from livekit.agents import stt

from agent.turns.endpointing import EndpointingPolicy, TurnView
from agent.turns.gate import GateEvent, SpeechGate
from agent.turns.patience import Pace
from agent.turns.stt_events import FINAL, INTERIM, PARTIALS, pause_score_of, text_of
from agent.turns.transcript import TurnTranscript, same_words
from agent.turns.words import Verdict

_SPECULATION_PROBABILITY = 0.35
"""An answer is begun in the middle of speech if the words may end here so probably."""

_LATE_FINAL_S = 1.0
_LONGEST_LAG_S = 0.6
_LAG_KEEP = 0.7


@dataclass
class WordLag:
    """How long after the caller's last sound this recogniser's last word comes."""

    lag_s: float = 0.2

    def seen(self, lag_s: float) -> None:
        """A turn's; negative when the last word was there before the sound ended."""
        bounded = min(_LONGEST_LAG_S, max(0.0, lag_s))
        self.lag_s = self.lag_s * _LAG_KEEP + bounded * (1 - _LAG_KEEP)

    def are_all_there(self, silence_s: float, words_quiet_s: float) -> bool:
        """Whether the words reach to the end of the sound: the last came when the last one does,
        or it is too late for another."""
        came_s = silence_s - words_quiet_s
        return came_s >= 0.6 * self.lag_s or silence_s >= 1.5 * self.lag_s


@dataclass
class TurnTaker:
    """Fed by the VAD, the recogniser's events and the end-of-turn model; time is `clock`'s."""

    policy: EndpointingPolicy
    judge: Callable[[str], Verdict]
    clock: Callable[[], float] = time.monotonic
    pace: Pace = field(default_factory=Pace)
    transcript: TurnTranscript = field(default_factory=TurnTranscript)
    audio_scores: list[float] = field(default_factory=list)
    _pause_score: float | None = None
    _model_words: str = ""
    _model_probability: float | None = None
    _lag: WordLag = field(default_factory=WordLag)
    _last_sound_s: float | None = None
    _is_speaking: bool = False
    _pauses: int = 0

    def on_window(self, gate: SpeechGate, event: GateEvent | None) -> None:
        """Called for every VAD window, with the change it made."""
        now_s = self.clock()
        if event is GateEvent.STARTED:
            if self._last_sound_s is not None and self.transcript.text:
                self.pace.paused(now_s - gate.speech_s - self._last_sound_s)
                self._pauses += 1
            self.audio_scores.clear()
            self._pause_score = None
        self._is_speaking = gate.is_stirring
        if gate.is_speaking or event is GateEvent.PAUSED:
            self._last_sound_s = now_s - gate.silence_s

    def on_stt(self, event: stt.SpeechEvent) -> bool:
        """Takes a transcript; True when an answer to the turn so far may be begun now."""
        text = text_of(event)
        now_s = self.clock()
        if event.type is FINAL:
            self.transcript.finalised(text, now_s)
            return False
        if event.type not in PARTIALS:
            return False
        self.transcript.heard(text, now_s)
        self._pause_score = pause_score_of(event)
        if event.type is INTERIM:
            likely = self.judge(self.transcript.text).end_probability
            if likely < _SPECULATION_PROBABILITY:
                return False
        return self.transcript.speculate()

    def on_model(self, words: str, end_probability: float) -> None:
        """Takes what a language model makes of the words of this turn; of others it is not used."""
        self._model_words, self._model_probability = words, end_probability

    def is_over(self) -> bool:
        """Whether the caller has finished, at this moment."""
        if self._is_speaking or self._last_sound_s is None:
            return False
        now_s = self.clock()
        changed_s = self.transcript.changed_s
        verdict = self.judge(self.transcript.text)
        silence_s = now_s - self._last_sound_s
        if self.transcript.finals and self.transcript.partial and silence_s < _LATE_FINAL_S:
            return False  # livekit would commit the finals, and the rest would be another turn
        quiet_s = None if changed_s is None else now_s - changed_s
        view = TurnView(
            silence_s=silence_s,
            words_quiet_s=quiet_s,
            words_are_complete=quiet_s is None or self._lag.are_all_there(silence_s, quiet_s),
            end_probability=verdict.end_probability,
            dictates=verdict.manner.dictates,
            thinks=verdict.manner.thinks,
            is_date=verdict.manner.tells_date,
            pauses=self._pauses,
            audio_scores=tuple(self.audio_scores),
            pause_score=self._pause_score,
            model_probability=self._of_model(self.transcript.text),
        )
        return self.policy.is_over(view, self.pace)

    def _of_model(self, words: str) -> float | None:
        is_known = self._model_probability is not None and same_words(words, self._model_words)
        return self._model_probability if is_known else None

    def committed(self) -> None:
        """The turn went to the agent; the next begins with nothing."""
        if self.transcript.changed_s is not None and self._last_sound_s is not None:
            self._lag.seen(self.transcript.changed_s - self._last_sound_s)
        self.transcript.clear()
        self.audio_scores.clear()
        self._pause_score = self._model_probability = None
        self._last_sound_s = None
        self._pauses = 0
