"""Whether a room needs an agent back. Pure: what is seen of the room and the time are passed in."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass

ATTEMPTS = 3
"""How often an agent is brought back into one room; a call that kills its agents is ended then."""

ARRIVAL_S = 10.0
"""How long an agent that was asked for may take to arrive, at the first attempt."""

TAKING_S = 3.0
"""How long it may take until a worker takes a request for an agent."""

_BACK_OFF_S = 1.0
"""Between the second and the third attempt for a job that dies at once; doubled each time."""


@dataclass(frozen=True, kw_only=True)
class LostJob:
    """A job of this worker whose process is gone though its call had not ended."""

    room_sid: str
    dispatch: str
    identity: str
    """Of its participant, which the server may still list."""
    metadata: str


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """A standing request for our agent."""

    id: str
    metadata: str
    asked_s: float
    """When it was made, or last given to a worker; wall clock."""
    had_agent: bool
    agents: frozenset[str] = frozenset()
    """Identities of those that were to come."""
    worker: str = ""
    """Id of the worker that took it last; empty when none has."""


@dataclass(frozen=True, kw_only=True)
class RoomView:
    """A room as the server tells it."""

    sid: str
    callers: frozenset[str]
    agents: frozenset[str]
    """Of our name; one whose process is gone may still be among them."""
    connected: frozenset[str] = frozenset()
    """Those of them whose connection the server takes to stand."""
    publishing: frozenset[str] = frozenset()
    """Those of them whose voice has a track: their connection has stood both ways."""
    dispatches: tuple[Dispatch, ...]
    """Of our agent, in any order."""
    metadata: str = ""


@dataclass(frozen=True)
class Bring:
    """Ask for an agent with this metadata."""

    metadata: str
    was_interrupted: bool


@dataclass(frozen=True)
class GiveUp:
    """End the call: its agents keep dying."""


@dataclass(frozen=True)
class Wait:
    """It may need one later."""


@dataclass(frozen=True)
class Leave:
    """It needs none."""


def decide(
    view: RoomView, lost: LostJob | None, now_s: float, seen: Collection[str] = ()
) -> Bring | GiveUp | Wait | Leave:
    """What to do about a room; `lost` is the job that this worker knows to be gone, if any.

    The server's list of dispatches is the memory: every attempt is one, whichever worker made it.
    Only who has arrived it does not tell: those of `seen` have, in this room, and if they are not
    there they are gone, however young the request is. For seconds it does not even tell that a request
    was taken: an agent that was seen, with no other request to come from, took it.
    """
    if view.agents - ({lost.identity} if lost else set()):
        return Leave()
    newest = newest_of(view.dispatches)
    if newest is None and (lost is None or lost.room_sid == view.sid):
        return Leave()  # nobody asked for an agent, or it was sent away
    if not view.callers:
        return Wait()
    had_agent = lost is not None or bool(seen) or any(d.had_agent for d in view.dispatches)
    attempts = max(0, len(_since_the_first_agent(view)) - 1)
    # A server that was started again has forgotten our dispatch, and may have made another.
    is_known_dead = lost is not None and lost.dispatch in {d.id for d in view.dispatches}
    has_left = newest is not None and _has_left(newest, view, set(seen))
    if newest is not None and now_s - newest.asked_s < _patience_s(
        newest, attempts, is_gone=is_known_dead or has_left
    ):
        return Wait()
    if attempts >= ATTEMPTS:
        return GiveUp() if had_agent else Leave()
    metadata = lost.metadata if lost else newest.metadata if newest else ""
    return Bring(metadata, was_interrupted=had_agent)


def _has_left(newest: Dispatch, view: RoomView, seen: set[str]) -> bool:
    """Whether the agent of the newest request was here; it is not now."""
    if newest.agents:
        return newest.agents <= seen
    return bool(seen) and not newest.had_agent and len(view.dispatches) == 1


def newest_of(dispatches: Sequence[Dispatch]) -> Dispatch | None:
    """The one that counts; None when there is none."""
    return max(dispatches, key=lambda dispatch: dispatch.asked_s, default=None)


def _since_the_first_agent(view: RoomView) -> Sequence[Dispatch]:
    """Those that count: while the caller waited for a first agent, nothing had died."""
    in_order = sorted(view.dispatches, key=lambda dispatch: dispatch.asked_s)
    waits = list(itertools.takewhile(lambda dispatch: not dispatch.had_agent, in_order))
    return in_order[len(waits) :] or in_order


def _patience_s(newest: Dispatch, attempts: int, *, is_gone: bool) -> float:
    if is_gone:
        return _BACK_OFF_S * ((1 << attempts) - 1)
    return (ARRIVAL_S if newest.had_agent else TAKING_S) * (1 << attempts)
