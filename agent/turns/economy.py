"""Steps down when answers are late again and again, and up again once they are in time. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from agent.turn_record import TurnRecord

Stage = Literal["stt", "llm", "tts"]

WINDOW = 8
_LATE = 2
"""So many late turns of the window are more than chance: its p95 is beyond the budget."""
_HEALTHY = 0.6
"""Share of the budget under which an answer is well in time."""
_LONGEST_TRIAL = 8 * WINDOW


@dataclass(frozen=True, kw_only=True)
class Step:
    stage: Stage
    is_down: bool


def waits(record: TurnRecord) -> Mapping[Stage, float] | None:
    """Seconds each stage kept the caller waiting after the turn was over; None for a turn without an
    answer, or one that was typed."""
    if record.eot_s is None or record.speech_start_s is None or record.playout_s is None:
        return None
    marks = {"stt": record.stt_final_s, "llm": record.clause_s, "tts": record.playout_s}
    spent: dict[Stage, float] = {}
    since_s = record.eot_s
    for stage in ("stt", "llm", "tts"):
        at_s = marks[stage]
        reached_s = since_s if at_s is None else max(since_s, at_s)
        spent[stage] = reached_s - since_s
        since_s = reached_s
    return spent


@dataclass
class Economy:
    """Over the turns of one call. A step that was taken back too soon is tried for twice as long the
    next time."""

    budget_s: float
    """From the end of a turn to the answer's first sound; 0 for no limit."""
    _turns: deque[Mapping[Stage, float]] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _taken: list[Stage] = field(default_factory=list)
    _healthy: int = 0
    """Turns in a row that were well in time."""
    _trial: int = WINDOW
    """So many of them take a step back."""
    _is_on_trial: bool = False

    def finished(self, record: TurnRecord, can_step: Collection[Stage]) -> Step | None:
        """What to do after a turn. `can_step`: the stages that have something cheaper to offer."""
        spent = waits(record)
        if spent is None or not self.budget_s:
            return None
        self._turns.append(spent)
        total_s = sum(spent.values())
        self._healthy = self._healthy + 1 if total_s <= _HEALTHY * self.budget_s else 0
        late = [turn for turn in self._turns if sum(turn.values()) > self.budget_s]
        if len(late) >= _LATE:
            return self._down(late, can_step)
        if self._taken and self._healthy >= self._trial:
            return self._up()
        return None

    def _down(self, late: list[Mapping[Stage, float]], can_step: Collection[Stage]) -> Step | None:
        self._turns.clear()
        free: list[Stage] = [stage for stage in can_step if stage not in self._taken]
        if not free:
            return None
        if self._is_on_trial:
            self._trial = min(2 * self._trial, _LONGEST_TRIAL)
        self._is_on_trial = False
        slowest = max(free, key=lambda stage: sum(turn[stage] for turn in late))
        self._taken.append(slowest)
        return Step(stage=slowest, is_down=True)

    def _up(self) -> Step:
        self._turns.clear()
        self._healthy = 0
        self._is_on_trial = True
        return Step(stage=self._taken.pop(), is_down=False)
