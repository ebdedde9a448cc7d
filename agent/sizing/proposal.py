"""From what calls were seen to need to AGENT_MAX_SESSIONS. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from agent.admission import CPU_FULL

MEMORY_FULL = 0.8
"""Of what is available: the rest is for what else the machine does."""

_LEAST_CORES = 0.01
"""Less is not to be told from nothing in half a minute."""
_LATER = 1.2
"""So much later answers with several calls than with one mean that something else gets scarce."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What the worker and everything it started used while so many calls were made."""

    calls: int
    cores: float
    memory_bytes: int
    responses_s: Sequence[float]
    """From the end of each question to the answer's first sound."""
    unanswered: int = 0

    @property
    def response_s(self) -> float | None:
        """The median."""
        return statistics.median(self.responses_s) if self.responses_s else None


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """`calls` at the same time, and what there would be too little of with one more."""

    calls: int
    scarce: str
    cores_per_call: float
    memory_per_call: int
    is_slower: bool
    """Answers came later already with the calls that were tried."""


def propose(one: Load, several: Load, *, cores: float, available_bytes: int) -> Proposal:
    """`one` call alone, then `several` at once; `available_bytes` before any.

    What they share (models, warm processes) is paid once, so the difference is what a call costs; for the
    processor it is the mean of the calls when that is dearer, as warm processes are idle and models are not.
    """
    more = several.calls - one.calls
    if more < 1:
        raise ValueError("several calls are more than one")
    marginal = (several.cores - one.cores) / more
    per_call = max(marginal, several.cores / several.calls, _LEAST_CORES)
    memory = max(0, several.memory_bytes - one.memory_bytes) // more
    shared = max(0, one.memory_bytes - memory)
    limits = {"processor": math.floor(CPU_FULL * cores / per_call)}
    if memory:
        room = MEMORY_FULL * available_bytes - shared
        limits["memory"] = math.floor(room / memory)
    scarce = min(limits, key=lambda name: limits[name])
    return Proposal(
        calls=max(1, limits[scarce]),
        scarce=scarce,
        cores_per_call=per_call,
        memory_per_call=memory,
        is_slower=_is_slower(one, several),
    )


def _is_slower(one: Load, several: Load) -> bool:
    before_s, after_s = one.response_s, several.response_s
    if several.unanswered > one.unanswered or after_s is None:
        return True
    return before_s is not None and after_s > _LATER * before_s
