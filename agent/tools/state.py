"""What the tools hold for a caller, as it is kept outside the process."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class KeptTimer(BaseModel):
    """A running timer; `due_s` on the wall clock."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    label: str
    duration_s: float
    due_s: float


class ToolState(BaseModel):
    """Notes and timers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notes: tuple[str, ...] = ()
    timers: tuple[KeptTimer, ...] = ()
