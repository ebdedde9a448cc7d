"""The goodbye of calls that still run when the worker's time to drain is over.

The worker tells its job processes by a file that they look for. livekit's own message to a process
closes the session before anybody of ours is asked, a signal would need the processes' numbers, which
livekit keeps to itself, and what goes through the room fails with the server and can be forged there.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path

from livekit.agents import AgentSession
from livekit.agents.voice.agent_activity import ActivityClosedError

from agent.announcer import until_idle

logger = logging.getLogger(__name__)

FAREWELL_S = 20.0
"""From the worker's word to the end of the last call: patience, a sentence, and the way out."""

PATIENCE_S = 5.0
"""How long the goodbye waits for a moment in which nobody speaks; then it interrupts."""

_LOOK_S = 0.5
_VARIABLE = "PARLEY_FAREWELL"
_FILE = "farewell"


def share_farewell(folder: Path, environment: MutableMapping[str, str] = os.environ) -> Path:
    """Where a worker's job processes look for its word from now on: the file to be made."""
    path = folder / _FILE
    environment[_VARIABLE] = str(path)
    return path


class Farewell:
    """Of one call. `attach()` once the session runs, `close()` at its end."""

    def __init__(
        self,
        session: AgentSession[None],
        phrase: str,
        *,
        hang_up: Callable[[], None],
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """`hang_up` is called when the phrase was said, or cannot be."""
        self._session = session
        self._phrase = phrase
        self._hang_up = hang_up
        path = environment.get(_VARIABLE)
        self._word = Path(path) if path else None
        self._task: asyncio.Task[None] | None = None

    def attach(self) -> None:
        if self._word is not None:
            self._task = asyncio.create_task(self._run(self._word), name="farewell")

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self, word: Path) -> None:
        # The file is on this machine, most likely in memory: looking does not block.
        while not word.exists():  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(_LOOK_S)
        logger.info("the worker's time is over: the call ends with a goodbye")
        try:
            await self._moment()
            handle = self._session.say(self._phrase, allow_interruptions=False)
        except (ActivityClosedError, RuntimeError):
            return  # the session is closing
        handle.add_done_callback(lambda _: self._hang_up())

    async def _moment(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await until_idle(self._session)
        except TimeoutError:
            await self._session.interrupt(force=True)
