"""Workers whose engines are the fake providers'."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from evals.ear.systems import System, running
from tests.chaos.providers import Providers
from tests.stack.processes import LiveKit

_QUIET = {
    "AGENT_FILLER_S": "0",  # no words but those of the reply
    "AGENT_SILENCE_PROMPT_S": "0",
}


@dataclass(frozen=True)
class ChaosWorker:
    """A running worker."""

    agent: str
    """The name to be dispatched to."""
    folder: Path
    """Its temporary files."""

    def forget_faults(self) -> None:
        """All breakers are closed again: each turn is the first one with a fault."""
        for path in self.folder.glob("parley-*/breakers.json"):
            path.unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def running_parley(livekit: LiveKit, providers: Providers) -> AsyncIterator[ChaosWorker]:
    system = System(
        name=f"chaos-{providers.order.replace(' ', '-')}",
        command=("python", "-m", "agent", "dev", "--no-reload"),
        environment=providers.environment | _QUIET,
    )
    async with running_system(system, livekit) as worker:
        yield worker


@contextlib.asynccontextmanager
async def running_system(system: System, livekit: LiveKit) -> AsyncIterator[ChaosWorker]:
    """Starts it in a thread: the providers answer meanwhile."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        own = replace(system, environment={**system.environment, "TMPDIR": folder})
        await asyncio.to_thread(stack.enter_context, running(own, livekit))
        try:
            yield ChaosWorker(own.label, Path(folder))
        finally:
            await asyncio.to_thread(stack.close)
