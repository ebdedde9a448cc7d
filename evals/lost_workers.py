"""How soon the rooms of a worker that died are looked at, by the size of a fleet, with a made clock.

    python -m evals.lost_workers    # the table of docs/scaling.md

The rooms are chosen as agents choose them (`agent.continuity.patrol`). All workers are started at once,
a minute before one of them dies, so that they know little yet. Requests take no time here, only the
silence of lost agents does.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from random import Random

from agent.continuity.patrol import SCAN_S, Listed, Patrol
from evals.markdown import markdown_table

FLEETS = ((3, 50), (10, 50), (100, 10))
"""Workers, and calls of each."""
CALL_S = 180.0
ANSWER_S = 0.5
"""Until an agent that says nothing is taken for silent."""
SECOND_S = 0.7 + 1.3
"""Until it is asked again, and taken for gone."""
_BUSY = Listed(participants=1, publishers=2)


class ByChance(Patrol):
    """What is compared: twenty rooms at random, nobody suspected."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self._chance = random

    def first(self, own: Collection[str]) -> Sequence[str]:
        others = [room for room in self._rooms if room not in own]
        return self._chance.sample(others, min(len(others), 20))

    def then(self, looked_at: Collection[str]) -> Sequence[str]:
        return []


@dataclass(frozen=True)
class Found:
    """Of one worker's death."""

    after_s: tuple[float, ...]
    """From the death to the first look, of each lost room; in order."""
    looks_a_scan: float
    """Before it, in the mean."""

    def quantile_s(self, share: float) -> float:
        return self.after_s[max(0, math.ceil(share * len(self.after_s)) - 1)]


class Fleet:
    """Workers whose calls come and go; worker 0 dies."""

    def __init__(
        self, workers: int, calls: int, random: Random, patrol: Callable[[Random], Patrol] = Patrol
    ) -> None:
        self._random = random
        self._names = itertools.count()
        self._rooms: dict[str, int] = {}
        self._own: list[set[str]] = [set() for _ in range(workers)]
        self._patrols = [patrol(Random(random.random())) for _ in range(workers)]  # nosec B311
        self._events: list[tuple[float, int, str]] = []
        """When, of which worker, and the room that ends; empty for a scan."""
        self._looks = self._scans = 0
        for worker in range(workers):
            heapq.heappush(self._events, (random.uniform(0, SCAN_S[1]), worker, ""))
            for _ in range(calls):
                self._begin(worker, 0.0)

    def found(self, dies_s: float = 60.0, ends_s: float = 120.0) -> Found:
        """Rooms that nobody has looked at by then count as found then."""
        lost: set[str] = set()
        looked_s: dict[str, float] = {}
        while self._events and self._events[0][0] < ends_s:
            now_s, worker, room = heapq.heappop(self._events)
            if now_s >= dies_s and not lost:
                lost = set(self._own[0])
            if lost and worker == 0:
                continue  # its callers wait
            if room:
                del self._rooms[room]
                self._own[worker].discard(room)
                self._begin(worker, now_s)
            else:
                self._scan(worker, now_s, lost, looked_s)
                if lost and len(looked_s) == len(lost):
                    break
        after_s = sorted(looked_s.get(room, ends_s) - dies_s for room in lost)
        return Found(tuple(after_s), self._looks / self._scans)

    def _begin(self, worker: int, now_s: float) -> None:
        name = f"call-{next(self._names)}"
        self._rooms[name] = worker
        self._own[worker].add(name)
        length_s = self._random.expovariate(1 / CALL_S)
        heapq.heappush(self._events, (now_s + length_s, worker, name))

    def _scan(
        self, worker: int, now_s: float, lost: Collection[str], looked_s: dict[str, float]
    ) -> None:
        patrol, own = self._patrols[worker], self._own[worker]
        if patrol.is_list_due(now_s):
            patrol.listed(dict.fromkeys(self._rooms, _BUSY), now_s)
        first = patrol.first(own)
        at_s = self._look(patrol, first, now_s, lost, looked_s)
        at_s = self._look(patrol, patrol.then(own.union(first)), at_s, lost, looked_s)
        if not lost:
            self._looks, self._scans = self._looks + len(first), self._scans + 1
        wait_s = self._random.uniform(*SCAN_S) + (SECOND_S if at_s > now_s else 0.0)
        heapq.heappush(self._events, (at_s + wait_s, worker, ""))

    def _look(
        self,
        patrol: Patrol,
        rooms: Sequence[str],
        now_s: float,
        lost: Collection[str],
        looked_s: dict[str, float],
    ) -> float:
        """When it is over."""
        for room in rooms:
            if room not in self._rooms:
                continue
            patrol.saw(room, str(self._rooms[room]))
            if room in lost:
                looked_s[room] = min(now_s, looked_s.get(room, math.inf))
                patrol.suspect(room)
        return now_s + (ANSWER_S if any(room in lost for room in rooms) else 0.0)


def table(fleets: Sequence[tuple[int, int]] = FLEETS, seed: int = 1) -> str:
    """Ten deaths each."""
    rows = []
    for workers, calls in fleets:
        for name, patrol in (("by chance", ByChance), ("as it is", Patrol)):
            deaths = [Fleet(workers, calls, Random(seed + n), patrol).found() for n in range(10)]  # nosec B311
            everyone = Found(tuple(sorted(s for death in deaths for s in death.after_s)), 0.0)
            figures = [everyone.quantile_s(share) for share in (0.5, 0.95, 1.0)]
            looks = sum(death.looks_a_scan for death in deaths) / len(deaths)
            label = f"{workers} × {calls}"
            rows.append([label, name, *(f"{s:.1f}" for s in figures), f"{looks:.0f}"])
    heads = ["workers × calls", "rooms", "p50 s", "p95 s", "most s", "looks a scan"]
    return markdown_table(heads, rows)


if __name__ == "__main__":
    print(table())  # noqa: T201
