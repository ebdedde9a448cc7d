"""What goes wrong, at which stage, and when: the table of all trials. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.fakes.providers.faults import Fault, Kind
from tests.hosted.stock import FAULTS, PORT_CLOSED, WHOLE

Stage = Literal["stt", "llm", "tts", "tool"]
When = Literal["connect", "first", "midway", "whole"]

_AFTER_CALL = {"tool half told": 3, "tool told": 4}
"""Pieces of an answer that is a tool call: a head, the call's name, and its arguments in two parts."""
_TOOL_KINDS = {
    "reset": Kind.RESET,
    "stall": Kind.STALL,
    "truncated": Kind.TRUNCATE,
    "error message 500": Kind.STATUS,
}
_TOOL_FAULTS = {
    f"{when}: {name}": Fault(kind=kind, after=after)
    for when, after in _AFTER_CALL.items()
    for name, kind in _TOOL_KINDS.items()
}


@dataclass(frozen=True)
class Trial:
    """A turn in which the preferred engine of a stage fails. "tool": the LLM, while it calls one."""

    stage: Stage
    name: str
    """Of the fault, as the tables of the fakes call it."""

    def __str__(self) -> str:
        return f"{self.stage} {self.name}"

    @property
    def fault(self) -> Fault | None:
        """None for a closed port."""
        return _TOOL_FAULTS[self.name] if self.stage == "tool" else FAULTS[self.name]

    @property
    def when(self) -> When:
        if self.name.startswith("first"):
            return "first"
        if self.name.startswith(("midway", "tool")):
            return "midway"
        return "whole" if self.name in WHOLE else "connect"


def all_trials() -> list[Trial]:
    """Every fault that makes sense at a stage."""
    trials = [Trial("stt", name) for name in FAULTS if name != "wrong rate"]
    # Both language models are at one address: with the port closed there is no second one.
    trials += [Trial("llm", name) for name in FAULTS if name not in (PORT_CLOSED, "wrong rate")]
    trials += [Trial("tts", name) for name in FAULTS]
    trials += [Trial("tool", name) for name in _TOOL_FAULTS]
    return trials
