"""One conversation with one system, from the room to the verdict; runs in a process of its own."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from livekit import api
from livekit.agents import llm

from agent.config import load_settings
from agent.continuity import open_store
from evals.conversations import model as models
from evals.conversations import rules
from evals.conversations.held import TYPED, Exchange, Held, Line
from evals.conversations.person import Place, hold
from evals.conversations.rules import Check
from evals.conversations.scenario import Conversation, Way
from evals.conversations.user import GoalUser, User
from evals.conversations.verdict import by_rules, record_of
from evals.ear.analysis import analyse
from evals.ear.one_call import close_room
from evals.ear.results import EventResult, Row
from evals.ear.scenario import Conditions
from evals.ear.systems import System

SET = "conversations"
SENSELESS = "simulated engines say nothing of sense"

_REPLY_S = 4.0
"""Of the simulated engines: long enough to be interrupted."""
_LONGEST_REPLY_S = 60.0

UserKind = Literal["rules", "model"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """A conversation with a system that is running."""

    system: System
    conversation: Conversation
    way: Way
    number: int
    """Which repeat it is, from 0: its voice and its noise are other ones."""
    voice: str
    url: str
    user: UserKind = "rules"
    model: models.ModelSettings | None = None

    @property
    def name(self) -> str:
        return f"{self.conversation.name}-{self.way}-{self.number}"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What came of it; all of it goes into the results."""

    system: str
    profile: str
    conversation: str
    way: Way
    number: int
    user: str
    """Who called: script, rules or model."""
    success: bool | None
    """Whether the task was done; None where nothing about it could be judged."""
    checks: tuple[Check, ...]
    exchanges: tuple[dict[str, Any], ...]
    results: tuple[EventResult, ...]
    """By the ear, one for each thing that was said."""
    failure: str | None
    wall_s: float

    def rows(self) -> list[Row]:
        """For the metrics of the ear, which cannot tell what is typed over an answer from its end."""
        call = f"{self.conversation}-{self.number}"
        return [
            Row(
                system=self.system,
                patience=self.way,
                set=SET,
                split="dev",
                call=call,
                result=result,
            )
            for result in self.results
            if result.event.voice != TYPED or result.event.kind == "turn"
        ]


def run_trial(job: Job) -> Trial:
    """Blocks for as long as the call lasts."""
    return asyncio.run(_run(job))


async def _run(job: Job) -> Trial:
    begun_s = time.monotonic()
    model = job.model.open() if job.model else None
    room = job.system.new_room()
    reply_s = _REPLY_S if job.system.is_simulated else _LONGEST_REPLY_S
    conditions = Conditions(reply_s=reply_s)
    store = open_store(load_settings())
    place = Place(
        url=job.url,
        room=room,
        token=job.system.token(room, conditions),
        store=None if job.system.is_simulated else store,
    )
    try:
        held = await hold(
            lines_of(job, model),
            place,
            way=job.way,
            voice=job.voice,
            conditions=conditions,
            seed=random.Random(job.name).randrange(1 << 31),
        )
        with suppress(api.TwirpError):  # gone by itself in the meantime
            await close_room(job.url, room)
        return await trial_of(job, held, model, time.monotonic() - begun_s)
    finally:
        await store.aclose()
        if model is not None:
            await model.aclose()


def lines_of(job: Job, model: llm.LLM[Any] | None) -> Sequence[Line] | User:
    """What the caller says."""
    conversation = job.conversation
    if conversation.user is None:
        steps = conversation.steps
        return [Line.of(step) for step in steps if job.way == "voice" or step.kind != "backchannel"]
    if job.user == "model" and model is not None:
        return models.ModelUser(model, conversation.user)
    return GoalUser(conversation.user)


async def trial_of(
    job: Job, held: Held, model: llm.LLM[Any] | None = None, wall_s: float = 0.0
) -> Trial:
    """Judges what was held."""
    if not job.system.is_simulated:  # its replies are as long as their text
        held = replace(held, recording=replace(held.recording, reply_s=None))
    results = analyse(held.recording)
    checks = [*by_rules(job.conversation, held, results), *await _by_model(job, held, model)]
    if job.system.is_simulated:
        checks = rules.not_judged(checks, SENSELESS)
    failure = held.recording.failure
    return Trial(
        system=job.system.name,
        profile=job.system.profile,
        conversation=job.conversation.name,
        way=job.way,
        number=job.number,
        user=job.user if job.conversation.user else "script",
        success=rules.is_success(checks, failure),
        checks=tuple(checks),
        exchanges=tuple(_told(exchange) for exchange in held.exchanges),
        results=tuple(results),
        failure=failure,
        wall_s=round(wall_s, 1),
    )


async def _by_model(job: Job, held: Held, model: llm.LLM[Any] | None) -> list[Check]:
    conversation = job.conversation
    asked = [(f"step {number}", step.judge) for number, step in enumerate(conversation.steps, 1)]
    checks = []
    for where, statement in [*asked, ("end", conversation.end.judge)]:
        if statement is None:
            continue
        if model is None or job.system.is_simulated:
            what = f"{where}: {statement}"
            why = models.NO_MODEL
            checks.append(Check(about="task", what=what, verdict="not judged", why=why))
        else:
            checks.append(await models.judge(model, statement, record_of(held), where))
    return checks


def _told(exchange: Exchange) -> dict[str, Any]:
    calls = exchange.calls
    return {
        "line": {k: v for k, v in asdict(exchange.line).items() if v not in (None, ())},
        "heard": exchange.heard,
        "calls": None if calls is None else [f"{one.name}({one.arguments})" for one in calls],
        "skipped": exchange.skipped,
    }


def forget_own_settings() -> None:
    """The systems get no AGENT_… variable of the environment; neither does who looks for their state."""
    for name in [name for name in os.environ if name.startswith("AGENT_")]:
        del os.environ[name]
