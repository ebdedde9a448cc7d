"""Whether a worker takes one more call, and how full it says it is. Pure: all it needs is passed in.

What a worker has not enough of for ever is measured in *shares*, 1.0 when it is used up: the number of
calls, the processor, the model server. The largest share decides.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

Limit = Literal["calls", "processor", "model server"]

FULL_LOAD = 0.7
"""livekit-server asks no worker from this load on: its `target_load`, as it comes."""

CPU_FULL = 0.7
"""How busy the processors may be when a call is taken: above it, answers wait for each other."""

ASSUMED_PROCESSORS = 0.2
"""What a call is taken to need until its work shows in the measured share."""

SETTLING_S = 5.0
"""After which it does: the time to join a room and to greet."""

_LATE_AT_MOST = 0.95
"""Late answers make a worker the last choice. They do not close it: a slow provider makes every worker
late, and a pool that refuses everybody answers nobody."""

_COMPANY = 10
"""In `dev`, with so many calls a worker says that it is half full: others are asked as often."""


@dataclass(kw_only=True)
class Measured:
    """What is known of a worker's means besides the number of its calls; 0 while unknown."""

    cpu: float = 0.0
    """Busy share of the processors of this machine or container, 0 to 1."""
    model_server: float = 0.0
    """1.0: full, or away while no other engine can do its work."""
    lateness: float = 0.0
    """p95 of the response times as a share of AGENT_TURN_BUDGET_S."""


class Admission:
    """Counts one worker's calls. A job counts from the moment it is taken, before it has a process."""

    def __init__(self, *, max_sessions: int, processors: float | None) -> None:
        """`max_sessions`: 0 for no limit. `processors`: how many there are; None where a busy one is no
        reason to refuse a call."""
        self._max_sessions = max_sessions
        self._processors = processors
        self._awaited: set[str] = set()
        """Jobs that were taken and have no process yet."""
        self._taken_s: dict[str, float] = {}
        self.measured = Measured()

    def offer(self, job: str, running: Collection[str], now_s: float) -> Limit | None:
        """Takes the job, or says what there is too little of.

        `running`: the jobs that have a process. Nothing may happen between reading it and this call.
        """
        full = [limit for limit, share in self._shares(running, now_s).items() if share >= 1.0]
        if full:
            return full[0]
        self._awaited.add(job)
        self._taken_s[job] = now_s
        return None

    def settled(self, job: str) -> None:
        """A job that was taken has a process now, or will never have one."""
        self._awaited.discard(job)

    def sessions(self, running: Collection[str]) -> int:
        return len(self._awaited.union(running))

    def load(self, running: Collection[str], now_s: float) -> float:
        """What livekit-server is told: below FULL_LOAD while there is room, else 1.0."""
        late = min(self.measured.lateness, _LATE_AT_MOST)
        share = max(late, *self._shares(running, now_s).values())
        return FULL_LOAD * share if share < 1.0 else 1.0

    def _shares(self, running: Collection[str], now_s: float) -> dict[Limit, float]:
        count = self.sessions(running)
        calls = count / self._max_sessions if self._max_sessions else 0.0
        if self._processors is None:
            calls = max(calls, count / (count + _COMPANY))
            processor = 0.0
        else:
            young = ASSUMED_PROCESSORS / self._processors * self._young(running, now_s)
            processor = (self.measured.cpu + young) / CPU_FULL
        return {
            "calls": calls,
            "processor": processor,
            "model server": self.measured.model_server,
        }

    def _young(self, running: Collection[str], now_s: float) -> int:
        """Calls whose work is not in the measured share yet."""
        present = self._awaited.union(running)
        self._taken_s = {
            job: taken_s
            for job, taken_s in self._taken_s.items()
            if job in self._awaited or (job in present and now_s - taken_s < SETTLING_S)
        }
        return len(self._taken_s)
