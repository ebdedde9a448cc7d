"""A caller in a real room who holds a conversation, by voice or in writing, and notes what came of it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from livekit import rtc
from livekit.agents import APIError, utils

from agent.continuity import Conversation as Kept
from agent.continuity import ConversationStore, StoreError
from agent.continuity.conversation import ToolCall
from agent.room_inputs import TEXT_TOPIC
from evals.conversations.held import TYPED, Exchange, Held, Line
from evals.conversations.scenario import Way
from evals.conversations.user import MOST_TURNS, Done, Say, User
from evals.ear.caller import CallFailed, Person, StepSkipped
from evals.ear.recording import Event
from evals.ear.scenario import Call, Conditions, Utterance
from evals.ear.scenario import Step as EarStep
from evals.ear.voices import Spoken, speak

_QUIET_S = 1.0
_LOOK_S = 0.1
_CONNECT_S, _LEAVE_S, _CLOSES_S = 15.0, 5.0, 2.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a conversation is held."""

    url: str
    room: str
    token: str
    store: ConversationStore | None
    """Where the agent keeps its conversation; None where nobody can look."""


async def hold(
    lines: Sequence[Line] | User,
    place: Place,
    *,
    way: Way,
    voice: str,
    conditions: Conditions,
    seed: int = 0,
) -> Held:
    """Holds one conversation and leaves the room; `voice` is flite's. Raises VoiceError.

    One that fails gives what there was, with the recording's `failure` set.
    """
    talker = Talker(place, way=way, voice=voice, conditions=conditions, seed=seed)
    spoken: dict[Line, Spoken] = {}
    if isinstance(lines, Sequence) and way == "voice":
        # Before the call: nothing may hold up the microphone.
        spoken = {line: speak(talker.utterance(line)) for line in lines}
    failure: str | None = None
    outcome: Done | None = None
    try:
        async with asyncio.timeout(_CONNECT_S):
            await talker.join(place.url, place.token)
        outcome = await talker.converse(lines, spoken)
    except TimeoutError:
        failure = "the room could not be joined in time"
    except (CallFailed, rtc.ConnectError) as e:
        failure = str(e)
    except APIError as e:
        failure = f"the model that plays the caller failed: {e.message}"
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_S):
                await talker.leave()
    return talker.held(failure, outcome)


@dataclass(frozen=True, kw_only=True)
class _Begun:
    """Something the caller said, on the clock of the call."""

    line: Line
    event: int | None
    begun_s: float
    calls_before: int
    """Tools that had been run until then."""
    skipped: str = ""


class Talker(Person):
    """One conversation's caller."""

    def __init__(
        self, place: Place, *, way: Way, voice: str, conditions: Conditions, seed: int
    ) -> None:
        call = Call(
            name=place.room,
            set="conversations",
            split="dev",
            steps=(),
            conditions=conditions,
            seed=seed,
        )
        super().__init__(call)
        self.microphone = way == "voice"
        self._way, self._voice, self._place = way, voice, place
        self._begun: list[_Begun] = []
        self._kept: Kept | None = None

    def utterance(self, line: Line) -> Utterance:
        name = " ".join(line.text.replace("|", " ").split())
        return Utterance(id=name, text=line.text, voice=self._voice, pauses_s=line.pauses_s)

    async def converse(
        self, lines: Sequence[Line] | User, spoken: Mapping[Line, Spoken]
    ) -> Done | None:
        """Raises CallFailed."""
        watching = asyncio.create_task(self._watch_store(), name="watch-store")
        try:
            await self.until_agent_is_here()
            if isinstance(lines, Sequence):
                await self._follow(lines, spoken)
                return None
            return await self._pursue(lines)
        finally:
            await utils.aio.cancel_and_wait(watching)

    def held(self, failure: str | None, outcome: Done | None) -> Held:
        done = self.carried_out(failure)
        return Held(
            recording=done.recording,
            exchanges=tuple(self._exchanges()),
            kept=self._kept,
            outcome=outcome,
        )

    async def _follow(self, lines: Sequence[Line], spoken: Mapping[Line, Spoken]) -> None:
        for index, line in enumerate(lines):
            try:
                await self._utter(line, spoken.get(line))
            except StepSkipped as e:
                self._begin(line, event=None, skipped=str(e))
            except CallFailed:
                if index and await self._has_hung_up():
                    ended = f"the agent ended the call before {line.text!r}"
                    raise CallFailed(ended) from None
                raise
        await self._until_answered()

    async def _pursue(self, user: User) -> Done:
        move = await user.begin()
        for _ in range(MOST_TURNS):
            if isinstance(move, Done):
                return move
            line = Line(text=move.text)
            await self._utter(line, await self._prepared(line))
            await self._until_answered()
            move = await user.heard(self._exchanges()[-1].heard)
            if self.closed.is_set() and isinstance(move, Say):
                return Done(is_content=False, why="the agent ended the call")
        return Done(is_content=False, why=f"{MOST_TURNS} turns were not enough")

    async def _prepared(self, line: Line) -> Spoken | None:
        if self._way == "text":
            return None
        return await asyncio.to_thread(speak, self.utterance(line))

    async def _until_answered(self) -> None:
        """Until the answer is over; an agent that hangs up has answered, too."""
        try:
            await self._wait_for_quiet(_QUIET_S)
        except CallFailed:
            if not await self._has_hung_up():
                raise

    async def _has_hung_up(self) -> bool:
        """Whether the room is closed; of an agent that leaves it is known a little later."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSES_S):
                await self.closed.wait()
        return self.closed.is_set()

    async def _utter(self, line: Line, spoken: Spoken | None) -> None:
        step = self._ear_step(line)
        await self._wait_until_due(step)
        self._begin(line, event=len(self._events))
        if spoken is None:
            await self._type(step)
        else:
            await self._say(step, spoken)

    def _begin(self, line: Line, *, event: int | None, skipped: str = "") -> None:
        self._begun.append(
            _Begun(
                line=line,
                event=event,
                begun_s=time.monotonic(),
                calls_before=len(self._tool_calls() or ()),
                skipped=skipped,
            )
        )

    def _ear_step(self, line: Line) -> EarStep:
        utterance = self.utterance(line)
        if line.interrupts_after_s is not None:
            seconds = line.interrupts_after_s
            return EarStep(kind=line.kind, utterance=utterance, when="during", seconds=seconds)
        if line.after_s is not None:
            return EarStep(kind=line.kind, utterance=utterance, when="after", seconds=line.after_s)
        return EarStep(kind=line.kind, utterance=utterance, seconds=_QUIET_S)

    async def _type(self, step: EarStep) -> None:
        text = step.utterance.id
        try:
            async with asyncio.timeout(_LEAVE_S):
                await self.room.local_participant.send_text(text, topic=TEXT_TOPIC)
        except TimeoutError:
            raise CallFailed("a text could not be sent") from None
        at_s = self._now_s()
        self._events.append(
            Event(kind=step.kind, utterance=text, text=text, voice=TYPED, start_s=at_s, end_s=at_s)
        )
        self._done.append(step)
        self._manners.said(step.kind, at_s + self._origin_s)

    def _exchanges(self) -> list[Exchange]:
        """What came of each thing that was said until the next."""
        calls = self._tool_calls()
        ends = [(later.begun_s, later.calls_before) for later in self._begun[1:]]
        exchanges = []
        for begun, (end_s, last) in zip(self._begun, [*ends, (math.inf, None)], strict=True):
            exchanges.append(
                Exchange(
                    line=begun.line,
                    event=begun.event,
                    heard=self._heard_between(begun.begun_s, end_s),
                    calls=None if calls is None else calls[begun.calls_before : last],
                    skipped=begun.skipped,
                )
            )
        return exchanges

    def _heard_between(self, begun_s: float, end_s: float) -> str:
        said = [
            entry["text"]
            for entry in self.transcripts.values()
            if entry["who"] == "agent" and begun_s <= entry["first_s"] < end_s
        ]
        return " ".join(said).strip()

    def _tool_calls(self) -> tuple[ToolCall, ...] | None:
        if self._kept is None:
            return None
        return tuple(item for item in self._kept.items if isinstance(item, ToolCall))

    async def _watch_store(self) -> None:
        """Keeps the newest state: when the agent hangs up it is deleted."""
        while self._place.store is not None:
            with suppress(StoreError):
                self._kept = await self._place.store.load(self._place.room) or self._kept
            await asyncio.sleep(_LOOK_S)
