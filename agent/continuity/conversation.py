"""A call's conversation as it is kept outside its process. Pure: the time is passed in."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.callers import RETURN_GRACE_S
from agent.tools.state import ToolState

KEPT_S = 600.0
"""A conversation in which nothing has been said for so long is forgotten."""


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Said(_Kept):
    """What one of the two said; of the agent, what was heard of it."""

    kind: Literal["said"] = "said"
    role: Literal["user", "assistant"]
    text: str
    interrupted: bool = False


class ToolCall(_Kept):
    """A tool that was run, with what it answered."""

    kind: Literal["tool"] = "tool"
    name: str
    call_id: str
    arguments: str
    output: str
    is_error: bool = False


Item = Annotated[Said | ToolCall, Field(discriminator="kind")]


class Conversation(_Kept):
    """All that another process needs to go on with a call."""

    version: Literal[1] = 1
    room: str
    job: str
    """Of the process that saved it."""
    caller: str | None
    """Identity of whom the agent listens to."""
    language: str
    greeted: bool
    items: tuple[Item, ...] = ()
    unfinished: str = ""
    """Of a turn of the caller's that was not over: the words heard so far."""
    tools: ToolState = ToolState()
    saved_s: float
    """Wall clock."""
    left_s: float | None = None
    """When the last caller's connection broke; None while somebody is there; wall clock."""

    @property
    def awaits_answer(self) -> bool:
        """Whether the caller said something that was not answered to its end."""
        last = self.items[-1] if self.items else None
        return isinstance(last, ToolCall) or (isinstance(last, Said) and last.role == "user")

    def continues(self, callers: Collection[str], now_s: float) -> bool:
        """Whether a call with these people in it is this one going on.

        The name of a room may be used again: only the caller it was held with gets to hear of it.
        """
        if self.caller not in callers or not (self.greeted or self.items):
            return False
        if self.left_s is None:
            return now_s - self.saved_s <= KEPT_S
        return self.has_caller(now_s)

    def has_caller(self, now_s: float) -> bool:
        """Whether somebody was there when it was saved, or may still come back."""
        return self.left_s is None or now_s - self.left_s <= RETURN_GRACE_S
