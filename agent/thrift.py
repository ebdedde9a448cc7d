"""Cheaper engines for a call whose answers are late, and the better ones back when they are not."""

from __future__ import annotations

import logging
import time

from agent import lateness, metrics
from agent.chained import Chains
from agent.speech import ClausePlanner
from agent.turn_record import TurnRecord
from agent.turns.economy import Economy, Stage, Step, waits

logger = logging.getLogger(__name__)

_WHAT: dict[Stage, str] = {
    "stt": "the next recogniser of the list",
    "llm": "the next language model of the list",
    "tts": "a shorter first clause, one voice at a time",
}


class Thrift:
    """Of one call."""

    def __init__(self, chains: Chains, planner: ClausePlanner | None, *, budget_s: float) -> None:
        """`planner`: of the voice, where it is fed clause by clause. `budget_s`: from the end of a turn
        to the answer's first sound; 0 changes nothing ever."""
        self._chains = chains
        self._planner = planner
        self._budget_s = budget_s
        self._economy = Economy(budget_s)

    def finished(self, record: TurnRecord) -> None:
        waited = waits(record)
        if waited is not None and self._budget_s:
            lateness.tell(sum(waited.values()) / self._budget_s, time.monotonic())
        step = self._economy.finished(record, self._can_step())
        if step is not None:
            self._take(step)

    def _can_step(self) -> list[Stage]:
        stages: list[Stage] = ["stt", "llm"]
        can: list[Stage] = [stage for stage in stages if self._chains.can_spare(stage)]
        can_hurry = self._planner is not None or self._chains.can_hedge_voices
        return [*can, "tts"] if can_hurry else can

    def _take(self, step: Step) -> None:
        metrics.STEPS.labels(step.stage, "down" if step.is_down else "up").inc()
        logger.info(
            "answers are late: stepping down" if step.is_down else "answers are in time: back up",
            extra={"stage": step.stage, "to": _WHAT[step.stage] if step.is_down else "the best"},
        )
        if step.stage != "tts":
            self._chains.spare(step.stage, is_spared=step.is_down)
            return
        self._chains.hedge_voices(is_hedged=not step.is_down)
        if self._planner is not None:
            self._planner.is_hurried = step.is_down
