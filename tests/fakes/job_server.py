"""A livekit worker whose jobs are what the test says; it connects to nothing."""

from __future__ import annotations

from livekit.agents import AgentServer
from livekit.agents.job import RunningJobInfo


class JobServer(AgentServer):
    def __init__(self) -> None:
        super().__init__()
        self.running: list[RunningJobInfo] = []
        self.is_draining = False

    @property
    def active_jobs(self) -> list[RunningJobInfo]:
        return self.running

    @property
    def draining(self) -> bool:
        return self.is_draining
