"""Engines fail in a real call: it is heard as a late answer at the most, and no word is lost.

A fault of each stage, before its first piece and midway, in one call; all of them: `make chaos`.
"""

from __future__ import annotations

import pytest

from tests.chaos.call import calling
from tests.chaos.providers import Order, running_providers
from tests.chaos.trials import Trial
from tests.chaos.verdict import Turn
from tests.chaos.workers import running_parley
from tests.stack.processes import LiveKit

TRIALS: dict[Order, tuple[Trial, ...]] = {
    "deepgram first": (
        Trial("stt", "midway: stall"),
        Trial("llm", "first: stall"),
        Trial("tts", "midway: truncated"),
        Trial("tool", "tool told: reset"),
    ),
    "openai first": (
        Trial("stt", "reset"),
        Trial("llm", "midway: reset"),
        Trial("tts", "midway: stall"),
    ),
}
_LONGEST_EXTRA_S = 5.0
"""This machine may be busy; `evals.chaos` measures it."""


@pytest.mark.parametrize("order", TRIALS)
async def test_faults_of_every_stage_are_heard_as_late_answers_at_most(
    order: Order, livekit: LiveKit
) -> None:
    turns: dict[str, Turn] = {}
    async with running_providers(order) as providers, running_parley(livekit, providers) as worker:
        call = calling(livekit.url, worker.agent, providers, heal=worker.forget_faults)
        async with call as room:
            healthy = await room.ask()
            for trial in TRIALS[order]:
                turns[str(trial)] = await room.ask(trial)
            turns["after all faults"] = await room.ask()
    problems = {name: found for name, turn in turns.items() if (found := turn.problems())}
    assert not problems
    extra_s = {name: turn.extra_s([healthy]) or 0.0 for name, turn in turns.items()}
    assert max(extra_s.values()) < _LONGEST_EXTRA_S, extra_s
    if "tool" in {trial.stage for trial in TRIALS[order]}:
        assert [turn.tool_runs for turn in turns.values()].count(1) == 1
