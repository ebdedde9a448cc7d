"""The parts of the measurement, each with calls of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import psutil
from livekit import api

from evals.ear import metrics
from evals.ear.caller import CallFailed, StepSkipped, carry_out
from evals.ear.corpus import expand
from evals.ear.recording import Event, Recording
from evals.ear.results import Row
from evals.ear.scenario import Call, Step, Utterance
from evals.ear.voices import speak
from evals.phone.bridge import Bridge, take_calls
from evals.phone.connected import Connected, connected, rows_of
from evals.phone.figures import heard_in_turns, of_times, summary, understanding
from tests.stack.caller import join_token
from tests.stack.processes import KEYS, Worker

AGENT = "parley"
"""The name that deploy/sip/dispatch-rule.json asks for."""

_GOODBYE = Step(utterance=Utterance(id="goodbye", text="Goodbye.", voice="rms"))
_SETTLE_S = 2.0
"""Between calls: a process ends, and another is made ready."""
_HANGS_UP_S = 15.0
_GONE_S = 30.0
_KEYS_REPLY_S = 3.0
_KEYS_A_CALL = 5


@dataclass(frozen=True)
class Lines:
    """What every part calls with."""

    bridge: Bridge
    client: api.LiveKitAPI
    worker: Worker


async def short_calls(lines: Lines, n: int) -> dict[str, Any]:
    """Greeted, then ended: by the caller, and by the agent whom the caller told goodbye, in turn."""
    await take_calls(lines.client)
    calls: list[dict[str, float | None]] = []
    failures: list[str] = []
    for number in range(n):
        try:
            calls.append(await _short_call(lines, number))
        except CallFailed as e:
            failures.append(str(e))
        await asyncio.sleep(_SETTLE_S)
    names = dict.fromkeys(name for call in calls for name in call)
    figures = {name: summary(c[name] for c in calls if name in c) for name in names}
    return {"figures": figures, "failures": failures, "calls": calls}


async def _short_call(lines: Lines, number: int) -> dict[str, float | None]:
    ends = _agent_ends if number % 2 else _caller_ends
    async with connected(lines.bridge, lines.client, seed=number) as on:
        await on.greeted()
        ended = await ends(on, lines.worker)
        return _beginning(on) | ended


def _beginning(on: Connected) -> dict[str, float | None]:
    ringing = next((m for m in on.call.messages if m.status == 180), None)
    return {
        "invite_to_ringing_s": None if ringing is None else on.since_invite_s(ringing),
        "invite_to_answer_s": on.since_invite_s(on.answer),
        "invite_to_greeting_s": on.first_sound_s(),
    }


async def _caller_ends(on: Connected, worker: Worker) -> dict[str, float | None]:
    running = worker.job_processes()
    bye = await on.call.hang_up()
    return {"caller_bye_to_process_gone_s": await _gone_s(running, on.call.monotonic_s(bye))}


async def _agent_ends(on: Connected, worker: Worker) -> dict[str, float | None]:
    running = worker.job_processes()
    await on.person.say(_GOODBYE, speak(_GOODBYE.utterance))
    bye = await on.call.wait_for(
        "BYE of the agent", lambda m: m.method == "BYE" and m.status is None, _HANGS_UP_S
    )
    return {
        "agent_goodbye_to_bye_s": on.silent_for_s(bye),
        "agent_bye_to_process_gone_s": await _gone_s(running, on.call.monotonic_s(bye)),
    }


async def _gone_s(running: Sequence[psutil.Process], since_s: float) -> float | None:
    """Until one of these processes, that of the call, has ended."""
    end_s = time.monotonic() + _GONE_S
    while all(process.is_running() for process in running):
        if time.monotonic() > end_s:
            return None
        await asyncio.sleep(0.01)
    return time.monotonic() - since_s


async def understood(lines: Lines, n: int) -> dict[str, Any]:
    """The same sentences by telephone and in a room, at 48 kHz, to one recogniser."""
    await take_calls(lines.client, {"greeting": ""})
    telephone, room = Understood(), Understood()
    for number, call in enumerate(expand("plain", "dev", n)):
        spoken = [speak(step.utterance) for step in call.steps]
        async with connected(lines.bridge, lines.client, seed=number) as on:
            await asyncio.sleep(_SETTLE_S)
            await on.person.follow(call.steps, spoken)
            recording = await on.recorded(None)
        origin_s = on.line.origin_s
        heard = [(at_s - origin_s, text) for at_s, text in on.witness.understood.values()]
        telephone.add(recording.events, heard)
        wide = await _in_a_room(lines.bridge, call, f"wide-{number}")
        room.add(wide.events, _finals(wide))
        await asyncio.sleep(_SETTLE_S)
    by_line = {"telephone": telephone, "room": room}
    return {
        "figures": {name: understanding(of.said, of.heard) for name, of in by_line.items()},
        "turns": {name: asdict(of) for name, of in by_line.items()},
    }


@dataclass
class Understood:
    """Turn by turn."""

    said: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def add(self, events: Sequence[Event], heard: Iterable[tuple[float, str]]) -> None:
        self.said += [event.text for event in events]
        self.heard += heard_in_turns(events, heard)


async def _in_a_room(bridge: Bridge, call: Call, room: str) -> Recording:
    token = join_token(KEYS.api_key, KEYS.api_secret, room, "caller", AGENT, '{"greeting": ""}')
    spoken = [speak(step.utterance) for step in call.steps]
    return (await carry_out(call, spoken, bridge.livekit.url, token)).recording


def _finals(recording: Recording) -> list[tuple[float, str]]:
    return [
        (words["first_s"], words["text"])
        for words in recording.transcripts
        if words["who"] == "caller" and words["final"]
    ]


async def turns(lines: Lines, n: int) -> dict[str, Any]:
    """Answers and interruptions, as the ear measures them in rooms, with simulated engines."""
    rows: list[Row] = []
    failures: list[str] = []
    for name in ("plain", "interruptions"):
        for number, call in enumerate(expand(name, "dev", n)):
            reply_s = call.conditions.reply_s
            await take_calls(lines.client, {"greeting": "", "simulated": {"reply_s": reply_s}})
            spoken = [speak(step.utterance) for step in call.steps]
            async with connected(lines.bridge, lines.client, seed=number) as on:
                await asyncio.sleep(_SETTLE_S)
                await _as_far_as_it_goes(on.person.follow(call.steps, spoken), failures)
                recording = await on.recorded(reply_s)
            failures += on.person.skipped
            rows += rows_of(recording, name, call.name, on.lateness_p99_s)
            await asyncio.sleep(_SETTLE_S)
    return {"figures": _turn_figures(rows), "failures": failures, "rows": _dicts(rows)}


def _turn_figures(rows: Sequence[Row]) -> dict[str, Any]:
    plain = [row for row in rows if row.set == "plain"]
    return {
        "response": of_times(metrics.response(plain)),
        "response_beyond_the_agents_own_record": of_times(
            metrics.cross_check(plain, None).difference
        ),
        "turns_cut_off": metrics.cut_offs(plain).hits,
        "silent_after_an_interruption": of_times(metrics.yield_time(rows)),
        "gaps": sum({row.call: row.gaps for row in rows}.values()),
        "calls": len({row.call for row in rows}),
        "microphone_lateness_p99_s": max((r.microphone_lateness_p99_s for r in rows), default=0.0),
    }


async def keys(lines: Lines, n: int) -> dict[str, Any]:
    """Numbers that end with #, and single keys during the answer; n of each."""
    options = {"greeting": "", "simulated": {"reply_s": _KEYS_REPLY_S}}
    await take_calls(lines.client, options)
    rows: list[Row] = []
    failures: list[str] = []
    path_s: list[float | None] = []
    for number in range(-(-n // _KEYS_A_CALL)):
        async with connected(lines.bridge, lines.client, seed=number) as on:
            await asyncio.sleep(_SETTLE_S)
            for _ in range(min(_KEYS_A_CALL, n - number * _KEYS_A_CALL)):
                await _as_far_as_it_goes(_press(on), failures)
            recording = await on.recorded(_KEYS_REPLY_S)
        path_s += _key_times(on)
        rows += rows_of(recording, "keys", f"keys-{number}", on.lateness_p99_s)
        await asyncio.sleep(_SETTLE_S)
    figures = {
        "key_to_room": summary(path_s),
        "hash_to_answer": of_times(metrics.response(rows)),
        "key_to_silence": of_times(metrics.yield_time(rows)),
        "key_to_answer_after_the_pause": of_times(metrics.response_to_interruption(rows)),
    }
    return {"figures": figures, "failures": failures, "rows": _dicts(rows)}


async def _press(on: Connected) -> None:
    await on.person.wait_for_quiet(1.0)
    await on.person.press("42#")
    await on.person.wait_into_answer(0.5)
    await on.person.press("7", "interruption")


def _key_times(on: Connected) -> list[float | None]:
    """From the first packet of each key to its arrival in the room; None for those that did not come.
    Keys come in order, so the number of those that came tells which are missing: the last ones."""
    came_s = [at_s - on.line.origin_s for at_s, _ in on.witness.keys]
    came: list[float | None] = [*came_s, *[None] * (len(on.person.pressed_s) - len(came_s))]
    return [
        None if at_s is None else at_s - pressed_s
        for pressed_s, at_s in zip(on.person.pressed_s, came, strict=False)
    ]


async def _as_far_as_it_goes(doing: Any, failures: list[str]) -> None:
    try:
        await doing
    except (CallFailed, StepSkipped) as e:
        failures.append(str(e))


def _dicts(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [row.to_dict() for row in rows]
