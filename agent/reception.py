"""A worker's answers: to livekit-server's offers, to its question how full it is, to probes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from livekit.agents import AgentServer, JobRequest, utils

from agent import metrics
from agent.admission import FULL_LOAD, Admission
from agent.config import Settings
from agent.continuity.rooms import mark_of
from agent.receipts import ANNOUNCEMENT

logger = logging.getLogger(__name__)

AGENT_DISPLAY_NAME = "Parley"


class Reception:
    """Of one worker; lives on its event loop. `attach()` before the worker runs."""

    def __init__(self, settings: Settings, *, dev: bool) -> None:
        """In `dev` a busy processor is no reason to refuse a call: a laptop still answers."""
        self._max_sessions = settings.agent_max_sessions
        self.admission = Admission(
            max_sessions=self._max_sessions,
            processors=None if dev else utils.hw.get_cpu_monitor().cpu_count(),
        )
        self._load = 0.0
        self._server: AgentServer | None = None
        self._is_registered = False
        self.on_refused: Callable[[str], None] = lambda room: None
        """Called with the name of a room whose call was refused."""

    def attach(self, server: AgentServer) -> None:
        self._server = server
        server.on("worker_registered", self._on_registered)

    def load(self) -> float:
        """livekit's `load_fnc`, which it calls in a thread: the load as it was last reckoned."""
        return self._load

    def reckon(self) -> None:
        """Reckons the load anew; a worker that drains is full, however few calls it still has."""
        load = self.admission.load(self._running(), time.monotonic())
        self._load = 1.0 if self._is_draining() else load
        metrics.observe_full(is_full=self._load >= FULL_LOAD)

    async def answer(self, request: JobRequest) -> None:
        """livekit's `on_request`. A job that is refused is offered to another worker."""
        # No await from here to the answer: what is counted must still be so when the job is taken.
        full = self.admission.offer(request.id, self._running(), time.monotonic())
        self.reckon()
        if full is not None:
            logger.info("a call is refused", extra={"room": request.room.name, "full": full})
            await request.reject(terminate=False)
            self.on_refused(request.room.name)
            return
        try:
            attributes = mark_of(request.agent_name) | ANNOUNCEMENT
            await request.accept(name=AGENT_DISPLAY_NAME, attributes=attributes)
        finally:
            self.admission.settled(request.id)
            self.reckon()

    def describe(self) -> dict[str, Any]:
        """What /readyz tells; `ready` while new calls may come."""
        is_draining = self._is_draining()
        return {
            "ready": self._is_registered and not is_draining,
            "draining": is_draining,
            "calls": self.admission.sessions(self._running()) if self._is_registered else 0,
            "max_calls": self._max_sessions or None,
            "load": round(self._load, 3),
        }

    def _is_draining(self) -> bool:
        return self._server is not None and self._server.draining

    def _running(self) -> set[str]:
        assert self._server is not None
        return {info.job.id for info in self._server.active_jobs}

    def _on_registered(self, *_: object) -> None:
        self._is_registered = True
