"""One call from start to rows of results; runs in a process of its own, so that nothing else keeps
the microphone waiting."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from livekit import api

from evals.ear.analysis import analyse, audio_quality
from evals.ear.caller import CarriedOut, Skipped, carry_out
from evals.ear.recording import Event, Recording
from evals.ear.results import EventResult, Row, draw_timeline
from evals.ear.scenario import Call
from evals.ear.systems import System
from evals.ear.voices import Spoken, speak
from tests.stack.processes import KEYS

_ROOM_GOES_S = 3.0
_CALM_S = 1.0
"""The agent's process ends, and another one is made ready: not during the next call."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A call with a system that is running."""

    system: System
    call: Call
    url: str
    keep_audio: Path | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.system.name, self.system.patience, self.call.name)


@dataclass(frozen=True, kw_only=True)
class CallReport:
    """What goes into the results."""

    facts: dict[str, Any]
    """About the call as a whole."""
    rows: list[Row]
    """One for each step, also for those that could not be done."""


def run_job(job: Job) -> CallReport:
    """Blocks for as long as the call lasts."""
    spoken = [speak(step.utterance) for step in job.call.steps]
    begun_s = time.monotonic()
    done = asyncio.run(_call(job, spoken))
    if not job.system.is_simulated:  # its replies are as long as their text
        done = replace(done, recording=replace(done.recording, reply_s=None))
    if job.keep_audio:
        done.recording.save(job.keep_audio, "-".join(job.key))
    return _report(job, done, time.monotonic() - begun_s)


async def _call(job: Job, spoken: list[Spoken]) -> CarriedOut:
    room = job.system.new_room()
    token = job.system.token(room, job.call.conditions)
    done = await carry_out(job.call, spoken, job.url, token)
    with suppress(api.TwirpError):  # gone by itself in the meantime
        await close_room(job.url, room)
    await asyncio.sleep(_CALM_S)
    return done


async def close_room(url: str, room: str) -> None:
    """Deletes a room that does not go by itself in time. Raises TwirpError."""
    end_s = time.monotonic() + _ROOM_GOES_S
    async with api.LiveKitAPI(url, KEYS.api_key, KEYS.api_secret) as server:
        while (await server.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms:
            if time.monotonic() > end_s:
                await server.room.delete_room(api.DeleteRoomRequest(room=room))
                return
            await asyncio.sleep(0.1)


def _report(job: Job, done: CarriedOut, wall_s: float) -> CallReport:
    recording = done.recording
    quality = audio_quality(recording)
    lateness_s = sorted(recording.lateness_s) or [0.0]
    late_p99_s = round(lateness_s[int(0.99 * (len(lateness_s) - 1))], 5)
    results = [*analyse(recording), *(_left_out(item, recording) for item in done.skipped)]
    name, patience, call = job.key
    where = {
        "system": name,
        "patience": patience,
        "set": job.call.set,
        "split": job.call.split,
        "call": call,
    }
    rows = [
        Row(
            **where,
            result=result,
            gaps=quality.gaps,
            clicks=quality.clicks,
            microphone_lateness_p99_s=late_p99_s,
            timeline=draw_timeline(recording, result) if result.event in recording.events else None,
        )
        for result in results
    ]
    facts = {
        **where,
        "failure": recording.failure,
        "skipped": len(done.skipped),
        "microphone_lateness_p99_s": late_p99_s,
        "wall_s": round(wall_s, 1),
    }
    return CallReport(facts=facts, rows=rows)


def _left_out(skipped: Skipped, recording: Recording) -> EventResult:
    """A step that was not carried out: it counts as unmeasured, at the end of the recording."""
    utterance = skipped.step.utterance
    event = Event(
        kind=skipped.step.kind,
        utterance=utterance.id,
        text=utterance.plain_text,
        voice=utterance.voice,
        start_s=recording.end_s,
        end_s=recording.end_s,
        tags=utterance.tags,
    )
    return EventResult(event=event, outcome="unmeasured", why=f"not said: {skipped.why}")
