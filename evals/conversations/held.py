"""A conversation as it was held: what was said to the agent, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from agent.continuity import Conversation as Kept
from agent.continuity.conversation import ToolCall
from evals.conversations.scenario import Kind, Step
from evals.conversations.user import Done
from evals.ear.recording import Recording

TYPED = "typed"
"""What the results say in the place of a voice."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """Something the caller says."""

    text: str
    kind: Kind = "turn"
    pauses_s: tuple[float, ...] = ()
    interrupts_after_s: float | None = None
    after_s: float | None = None

    @classmethod
    def of(cls, step: Step) -> Line:
        return cls(
            text=step.say,
            kind=step.as_kind,
            pauses_s=step.pauses_s,
            interrupts_after_s=step.interrupts_after_s,
            after_s=step.after_s,
        )


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """Something the caller said, and what came of it until it said the next thing."""

    line: Line
    event: int | None
    """Its number among the recording's events; None when it was not said."""
    heard: str = ""
    """Of the agent, by its transcripts."""
    calls: tuple[ToolCall, ...] | None = None
    """Tools that were run; None when that is not known."""
    skipped: str = ""
    """Why it was not said."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A conversation that is over."""

    recording: Recording
    exchanges: tuple[Exchange, ...]
    kept: Kept | None
    """What the agent's process kept of it last: what was said, tools and what they hold."""
    outcome: Done | None = None
    """Of a simulated caller."""
