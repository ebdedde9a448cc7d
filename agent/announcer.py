"""What the agent does of its own accord, without talking over anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit.agents import AgentSession
from livekit.agents.voice.agent_activity import ActivityClosedError


class Announcer:
    """Says things unasked, each as soon as neither the caller nor the agent speaks.

    `close()` forgets what was not said yet.
    """

    def __init__(self, session: AgentSession[None]) -> None:
        self._session = session
        self._waiting: set[asyncio.Task[None]] = set()

    def announce(self, text: str) -> None:
        task = asyncio.get_running_loop().create_task(self._say(text), name="parley-announcement")
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    def close(self) -> None:
        for task in self._waiting:
            task.cancel()

    async def _say(self, text: str) -> None:
        # Said at once it would be lost: speech that goes on interrupts it, as would its transcript.
        try:
            await until_idle(self._session)
            self._session.say(text)
        except (ActivityClosedError, RuntimeError):
            return  # the session is closing


async def until_idle(session: AgentSession[None]) -> None:
    """Until neither the caller nor the agent speaks.

    Raises ActivityClosedError or RuntimeError when the session closes.
    """
    while not await _is_idle(session):
        pass


async def _is_idle(session: AgentSession[None]) -> bool:
    """False when the wait ended because the caller went on speaking."""
    try:
        await session.wait_for_idle()
    except asyncio.CancelledError:
        # livekit lets the cancelling of its own end-of-turn task through to those who wait.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return False
    return True


def after_speech(session: AgentSession[None], then: Callable[[], None]) -> None:
    """Calls `then` when the speech in progress has been played or stopped; at once without one."""
    speech = session.current_speech
    if speech is None:
        then()
    else:
        speech.add_done_callback(lambda _: then())
