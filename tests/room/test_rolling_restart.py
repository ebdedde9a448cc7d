"""An upgrade of a pool with more calls than in tests/room/test_drain.py."""

from __future__ import annotations

import os

import pytest

from tests.room.rolling import rolling_restart
from tests.stack.processes import LiveKit

CALLERS = 12 if (os.cpu_count() or 1) >= 6 else 6
"""Each takes a sixth of a processor for the agent and a tenth for the caller, and a worker that
starts beside them a whole one: twelve are more than two processors carry at the speed of speech."""


@pytest.mark.timeout(420)
async def test_three_workers_are_replaced_under_many_callers_and_nobody_is_dropped(
    livekit: LiveKit,
) -> None:
    answered = await rolling_restart(livekit, callers=CALLERS, pause_s=4.0)
    assert answered.calls > CALLERS and answered.questions >= 2 * CALLERS
