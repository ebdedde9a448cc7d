"""Measures what a worker's load is reckoned from: processors, the model server, late answers."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any

from livekit.agents import utils
from livekit.plugins.modelserver import ModelServerClient
from livekit.plugins.speechcore import EngineError

from agent.config import Settings
from agent.lateness import Lateness, told
from agent.local.addresses import LocalAddresses
from agent.local.plan import SERVED
from agent.profiles import Choice
from agent.reception import Reception

_SAMPLE_S = 0.5
_SAMPLES = 5
"""Of the processors' busy share: what a single reply costs should not close the worker."""

_ASK_S = 2.0
"""Between two questions to the model server, and how long it may take to answer one."""

_REPLACEABLE = 0.95
"""The most that a model server counts whose work other engines can do: calls go on with them."""


@contextlib.asynccontextmanager
async def gauging(reception: Reception, settings: Settings, choice: Choice) -> AsyncIterator[None]:
    """Measures while the block runs; `choice`: the engines of the worker's calls."""
    client = _client(settings, choice)
    work = [_watch_processors(reception), _watch_answers(reception)]
    if client is not None:
        work.append(_watch_model_server(reception, client, is_needed=_is_needed(choice)))
    tasks = [asyncio.create_task(each, name="gauge") for each in work]
    try:
        yield
    finally:
        await utils.aio.cancel_and_wait(*tasks)
        if client is not None:
            client.close()


async def _watch_processors(reception: Reception) -> None:
    monitor = utils.hw.get_cpu_monitor()
    busy: deque[float] = deque(maxlen=_SAMPLES)
    while True:
        busy.append(await asyncio.to_thread(monitor.cpu_percent, _SAMPLE_S))
        reception.admission.measured.cpu = statistics.fmean(busy)
        reception.reckon()


async def _watch_answers(reception: Reception) -> None:
    lateness = Lateness()
    while True:
        for at_s, share in told():
            lateness.heard(share, at_s)
        reception.admission.measured.lateness = lateness.p95(time.monotonic())
        await asyncio.sleep(_ASK_S)


async def _watch_model_server(
    reception: Reception, client: ModelServerClient, *, is_needed: bool
) -> None:
    while True:
        try:
            share = occupancy(await client.status(timeout_s=_ASK_S))
        except EngineError:
            share = 1.0
        measured = reception.admission.measured
        measured.model_server = share if is_needed else min(share, _REPLACEABLE)
        await asyncio.sleep(_ASK_S)


def occupancy(status: Mapping[str, Any]) -> float:
    """The share in use of the engine that is the fullest, by what the model server says of itself."""
    if not status["ready"]:
        return 1.0
    engines = status["engines"].values()
    return max((1.0 - engine["free"] / engine["capacity"] for engine in engines), default=0.0)


def _client(settings: Settings, choice: Choice) -> ModelServerClient | None:
    """None where no engine of the worker is in a model server."""
    if not any(spec.name in SERVED for spec in choice.all):
        return None
    if settings.agent_modelserver is not None:
        return ModelServerClient(settings.agent_modelserver, token=settings.modelserver_token)
    own = LocalAddresses.published()
    return ModelServerClient(own.model_server) if own is not None else None


def _is_needed(choice: Choice) -> bool:
    """Whether a stage has no engine outside the model server."""
    return any(all(spec.name in SERVED for spec in specs) for specs in choice.listed.values())
