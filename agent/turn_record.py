"""One turn's timestamps on one monotonic clock, from which everything that is shown is derived."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

VERSION = 1

Outcome = Literal["answered", "interrupted", "ignored", "failed"]
Speculated = Literal["adopted", "dropped", "none"]


@dataclass(kw_only=True)
class TurnRecord:
    """What is published: seconds relative to the end of the user's speech, None until known."""

    call: str
    turn: int
    """From 1, in the order the turns were committed."""
    outcome: Outcome | None = None
    speech_start_s: float | None = None
    words_final_s: float | None = None
    """When the STT first said the words that became the final transcript."""
    eot_s: float | None = None
    """When the turn was taken to be over."""
    stt_final_s: float | None = None
    speculated: Speculated | None = None
    """Whether an answer begun before `eot_s` was used."""
    llm_first_s: float | None = None
    clause_s: float | None = None
    """When the first clause was given to the TTS."""
    tts_first_s: float | None = None
    playout_s: float | None = None
    """When the first audio went into the room."""
    heard_chars: int | None = None
    """How much of the answer was played, in characters of text."""
    engines: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    v: int = VERSION

    def to_json(self) -> str:
        """One line; times rounded to a tenth of a millisecond."""
        rounded = {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }
        return json.dumps(rounded, separators=(",", ":"))


@dataclass(kw_only=True)
class Generation:
    """One attempt at an answer, timed on the monotonic clock; seconds, None until it happened."""

    started_s: float
    llm_first_s: float | None = None
    clause_s: float | None = None
    tts_first_s: float | None = None
    faults: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class TurnTimes:
    """Gathers a turn's times on the monotonic clock and makes its record.

    A typed turn has no speech: its zero is `eot_s`, when the text arrived.
    """

    turn: int
    speech_start_s: float | None = None
    speech_end_s: float | None = None
    words_final_s: float | None = None
    eot_s: float | None = None
    stt_final_s: float | None = None
    generation: Generation | None = None
    """The attempt whose answer is spoken."""
    dropped_attempts: int = 0
    playout_s: float | None = None
    heard_chars: int | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def zero_s(self) -> float | None:
        """What the record's times are relative to, on the monotonic clock."""
        return self.speech_end_s if self.speech_end_s is not None else self.eot_s

    def record(self, call: str, engines: dict[str, str], outcome: Outcome | None) -> TurnRecord:
        zero_s = self.zero_s
        answer = self.generation

        def relative(at_s: float | None) -> float | None:
            return None if at_s is None or zero_s is None else at_s - zero_s

        return TurnRecord(
            call=call,
            turn=self.turn,
            outcome=outcome,
            speech_start_s=relative(self.speech_start_s),
            words_final_s=relative(self.words_final_s),
            eot_s=relative(self.eot_s),
            stt_final_s=relative(self.stt_final_s),
            speculated=self._speculated(),
            llm_first_s=relative(answer.llm_first_s) if answer else None,
            clause_s=relative(answer.clause_s) if answer else None,
            tts_first_s=relative(answer.tts_first_s) if answer else None,
            playout_s=relative(self.playout_s),
            heard_chars=self.heard_chars,
            engines=engines,
            faults=[*self.faults, *(answer.faults if answer else [])],
        )

    def _speculated(self) -> Speculated | None:
        if self.eot_s is None or self.generation is None:
            return None
        if self.generation.started_s < self.eot_s:
            return "adopted"
        return "dropped" if self.dropped_attempts else "none"


@dataclass
class TranscriptTimes:
    """When the words of the turn in progress were first heard, by the STT's own events."""

    _pending: str = ""
    _pending_since_s: float | None = None
    _words_final_s: float | None = None
    _final_s: float | None = None

    def heard(self, text: str, now_s: float) -> None:
        """An interim or preflight transcript of the segment in progress."""
        if text != self._pending:
            self._pending, self._pending_since_s = text, now_s

    def finalised(self, text: str, now_s: float) -> None:
        """A final transcript; an empty one adds no words."""
        if text:
            self.heard(text, now_s)
            self._words_final_s, self._final_s = self._pending_since_s, now_s
        self._pending, self._pending_since_s = "", None

    def take(self) -> tuple[float | None, float | None]:
        """(when the last words were first heard, when they were final); then starts anew."""
        taken = (self._words_final_s, self._final_s)
        self._words_final_s = self._final_s = None
        return taken
