"""Makes calls to a worker of its own, and looks at what they need."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import numpy as np
import psutil
from livekit.agents import utils

from agent.config import ConfigError, Settings
from agent.demo.guard import Guard
from agent.demo.lock import DemoLock
from agent.demo.options import DemoError, DemoOptions
from agent.demo.parts import StartedServer, start_server, start_worker
from agent.demo.prepare import own_keys, ways_to_a_server
from agent.demo.readiness import wait_for_server, wait_for_worker
from agent.demo.screen import Screen
from agent.demo.server_finder import find_server
from agent.ports import LOOPBACK
from agent.private_files import make_state_dir
from agent.self_test import SENTENCE
from agent.sizing.caller import CallerError, TrialCaller
from agent.sizing.proposal import Load, Proposal, propose
from agent.sizing.usage import busy_s, cores, memory_bytes

SEVERAL = 3
"""Calls at once. More would say more, and would no longer fit a small machine."""

_NAME = "parley-sizing"
_SECONDS = 25.0
"""Of each measurement: some five questions and answers."""
_SETTLING_S = 4.0
_APART_S = 1.0
"""Between callers: a worker keeps one warm process, and makes the next meanwhile."""
_DEADLINE_S = 90.0
_STOP_S = 6.0
_VOICE = "en-us+f2"
"""One that the embedded recogniser understands."""


def run_sizing(settings: Settings) -> int:
    """`parley tune --calls`; prints what it found. The exit status."""
    options = DemoOptions.from_settings(settings)
    own = {"AGENT_NAME": _NAME, "AGENT_MAX_SESSIONS": "0"}
    options = replace(options, environ={**options.environ, **own}, metrics_port=0)
    with Screen() as screen:
        try:
            proposal = asyncio.run(_size(options, screen))
        except (DemoError, CallerError) as e:
            screen.forget_all()
            screen.error(str(e))
            return 1
        for line in told(proposal):
            screen.note(line)
    return 0


def told(proposal: Proposal) -> list[str]:
    """What the operator reads."""
    lines = [
        f"A call needs {proposal.cores_per_call:.2f} processors and"
        f" {proposal.memory_per_call / 1e6:.0f} MB; the {proposal.scarce} is what runs out first.",
        f"AGENT_MAX_SESSIONS={proposal.calls}",
    ]
    if proposal.is_slower:
        lines.append(
            f"With {SEVERAL} calls answers came later, or not at all, already: something else is scarce"
            " (a model server's queue, a provider's limit), so begin with fewer."
        )
    return lines


async def _size(options: DemoOptions, screen: Screen) -> Proposal:
    make_state_dir(options.state_dir)
    with DemoLock(options.state_dir / "demo.lock"), Guard() as guard:
        available = psutil.virtual_memory().available
        async with _pool(options, screen, guard) as pool:
            screen.working("Calls", "one")
            one = await pool.measure(1)
            screen.working("Calls", f"{SEVERAL} at once")
            several = await pool.measure(SEVERAL)
        screen.done("Calls", _answers(one, several))
    processors = float(utils.hw.get_cpu_monitor().cpu_count())
    return propose(one, several, cores=processors, available_bytes=available)


def _answers(one: Load, several: Load) -> str:
    parts = [
        f"{'–' if load.response_s is None else f'{load.response_s:.2f} s'}"
        f" ({len(load.responses_s)} answers, {load.unanswered} missing)"
        for load in (one, several)
    ]
    return f"answered after {parts[0]} in one, {parts[1]} in {SEVERAL}"


@dataclass(frozen=True)
class _Pool:
    """A server and one worker."""

    server: StartedServer
    worker: psutil.Process
    question: np.ndarray

    async def measure(self, count: int) -> Load:
        """So many calls at once. Raises CallerError."""
        callers = [TrialCaller(self.question, seed) for seed in range(count)]
        talking: list[asyncio.Task[None]] = []
        try:
            for caller in callers:
                await caller.call(self.server.url, self.server.keys, _NAME)
                talking.append(asyncio.create_task(caller.talk(), name="sizing-talk"))
                await asyncio.sleep(_APART_S)
            await asyncio.sleep(_SETTLING_S)
            before, began_s = busy_s(self.worker), time.monotonic()
            await asyncio.sleep(_SECONDS)
            used = cores(before, busy_s(self.worker), time.monotonic() - began_s)
            memory = memory_bytes(self.worker)
        finally:
            await utils.aio.cancel_and_wait(*talking)
            await asyncio.gather(*(caller.leave() for caller in callers))
        return Load(
            calls=count,
            cores=used,
            memory_bytes=memory,
            responses_s=[response_s for caller in callers for response_s in caller.responses_s],
            unanswered=sum(caller.unanswered for caller in callers),
        )


@asynccontextmanager
async def _pool(options: DemoOptions, screen: Screen, guard: Guard) -> AsyncIterator[_Pool]:
    """As the demo starts them. Raises DemoError."""
    hurry = asyncio.Event()
    async with AsyncExitStack() as stack:
        question = await _spoken_question()
        keys = own_keys(options)
        screen.working("LiveKit server", "looking for one")
        found = await find_server(
            ways_to_a_server(options, keys), lambda text: screen.working("LiveKit server", text)
        )
        server = await start_server(found, keys, options, guard, media_address=LOOPBACK)
        if server.child is not None:
            stack.push_async_callback(server.child.stop, patience_s=_STOP_S, hurry=hurry)
        await wait_for_server(server.url, server.keys, deadline_s=_DEADLINE_S)
        screen.done("LiveKit server", server.how)
        screen.working("Worker", "starting")
        worker = await start_worker(server, options, guard)
        stack.push_async_callback(worker.child.stop, patience_s=_STOP_S, hurry=hurry)
        await wait_for_worker(worker.ready_file, worker.health_port, deadline_s=_DEADLINE_S)
        screen.done("Worker", "registered")
        yield _Pool(server, psutil.Process(worker.child.pid), question)


async def _spoken_question() -> np.ndarray:
    """int16 mono at 24 kHz, as espeak-ng speaks. Raises ConfigError without the voice that speaks for the callers."""
    try:
        from livekit.plugins import espeak
    except ImportError:
        raise ConfigError(
            ["`parley tune --calls` speaks with espeak-ng: install parley-agent[embedded]."]
        ) from None
    async with espeak.TTS(voice=_VOICE) as voice, voice.synthesize(SENTENCE) as speech:
        pieces = [bytes(audio.frame.data) async for audio in speech]
    return np.frombuffer(b"".join(pieces), dtype=np.int16)
