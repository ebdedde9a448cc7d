"""Which rooms of other workers to look at next. Pure: time and chance are passed in.

The server's list tells which rooms look deserted. An agent whose machine is gone is still listed for
20 s: of each worker some agents are asked, and one that is silent makes all rooms of its worker suspect.
Nobody tells which worker has which room: that is learnt from the rooms that were looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random

SCAN_S = (1.6, 2.4)
"""Between two scans. By chance, so that workers that were started together do not go on together."""
ROOMS_A_SCAN = 20
"""Of those that look as they should."""
DESERTED_A_LIST = 50
SUSPECTS_A_SCAN = 100
ROOMS_A_S = 250
"""Of the server's list, for each worker: with more than 500 rooms the list is asked for less often."""

_NEW_A_SCAN = ROOMS_A_SCAN // 2
"""Rooms whose worker is not known, while there are enough others."""

NOBODY = ""
"""The worker of a room in which nobody asked for our agent."""
_MUTE = "?"
"""The worker of rooms of which the server tells nothing."""


@dataclass(frozen=True)
class Listed:
    """A room in the server's list, which is up to five seconds late."""

    participants: int
    """The server does not count agents among them."""
    publishers: int
    """Agents among them."""

    @property
    def looks_deserted(self) -> bool:
        """A caller is there, and nobody seems to speak to them."""
        return 0 < self.participants >= self.publishers


class Patrol:
    """What one worker knows of the rooms of others."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._rooms: Collection[str] = ()
        self._deserted: list[str] = []
        self._workers: dict[str, str] = {}
        """By room: whose agent was in it when it was looked at."""
        self._suspects: set[str] = set()
        self._due_s = 0.0

    def is_list_due(self, now_s: float) -> bool:
        """Monotonic seconds."""
        return now_s >= self._due_s

    def listed(self, rooms: Mapping[str, Listed], now_s: float) -> None:
        """The server has told its rooms."""
        self._rooms = rooms.keys()
        self._workers = {r: worker for r, worker in self._workers.items() if r in rooms}
        alone = [
            name
            for name, room in rooms.items()
            if room.looks_deserted and self._workers.get(name) != NOBODY
        ]
        self._deserted = self._some(alone, DESERTED_A_LIST)
        self._due_s = now_s + len(rooms) / ROOMS_A_S * self._random.uniform(0.8, 1.2)

    def saw(self, room: str, worker: str | None) -> None:
        """Whose agent is in a room that was looked at: `NOBODY` when none was asked for, None when one
        was asked for that no worker has taken yet."""
        if worker is None:
            self._workers.pop(room, None)
        else:
            self._workers[room] = worker

    def saw_nothing(self, room: str) -> None:
        """The server did not tell about this room."""
        self._workers.setdefault(room, _MUTE)

    def suspect(self, room: str) -> None:
        """The agent in this room is silent."""
        if worker := self._workers.get(room):
            self._suspects.add(worker)

    def first(self, own: Collection[str]) -> Sequence[str]:
        """The rooms to look at in this scan; `own` ones and those being seen to are left out."""
        deserted = [room for room in self._deserted if room not in own]
        self._deserted = []
        others = [room for room in self._rooms if room not in own and room not in set(deserted)]
        if len(others) <= ROOMS_A_SCAN:
            return deserted + others
        new = self._some([room for room in others if room not in self._workers], ROOMS_A_SCAN)
        watched = self._by_turns(others, ROOMS_A_SCAN - min(len(new), _NEW_A_SCAN))
        return deserted + watched + new[: ROOMS_A_SCAN - len(watched)]

    def then(self, looked_at: Collection[str]) -> Sequence[str]:
        """The further rooms to look at now, because a worker has become suspect: its own, and those of
        which nothing is known yet. Afterwards nobody is suspect."""
        if not self._suspects:
            return []
        left = [room for room in self._rooms if room not in looked_at]
        theirs = [room for room in left if self._workers.get(room) in self._suspects]
        new = [room for room in left if room not in self._workers]
        self._suspects.clear()
        theirs = self._some(theirs, SUSPECTS_A_SCAN)
        return theirs + self._some(new, SUSPECTS_A_SCAN - len(theirs))

    def _by_turns(self, rooms: Sequence[str], most: int) -> list[str]:
        """One room of each worker, then another of each, for as long as there are any."""
        by_worker: dict[str, list[str]] = {}
        for room in rooms:
            if room in self._workers:
                by_worker.setdefault(self._workers[room], []).append(room)
        waiting = list(by_worker.values())
        self._random.shuffle(waiting)
        for theirs in waiting[:most]:
            self._random.shuffle(theirs)
        turns: list[str] = []
        while waiting and len(turns) < most:
            turns += [theirs.pop() for theirs in waiting[: most - len(turns)]]
            waiting = [theirs for theirs in waiting if theirs]
        return turns

    def _some(self, rooms: Sequence[str], most: int) -> list[str]:
        return self._random.sample(rooms, min(len(rooms), most))
