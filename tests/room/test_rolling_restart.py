"""An upgrade of a pool with more calls than in tests/room/test_drain.py."""

from __future__ import annotations

import os

import pytest

from tests.room.rolling import Pace, rolling_restart
from tests.stack.processes import LiveKit

CALLERS = 12
SLOW = Pace(apart_s=3.0, pause_s=40.0, overlap_s=15.0, unplugs=True)
PACE = Pace() if (os.cpu_count() or 1) >= 6 else SLOW
"""An agent that hears a microphone takes a tenth of a processor, one that speaks a sixth, and a worker
that starts a whole one for four seconds."""


@pytest.mark.timeout(420)
async def test_three_workers_are_replaced_under_twelve_callers_and_nobody_is_dropped(
    livekit: LiveKit,
) -> None:
    answered = await rolling_restart(livekit, CALLERS, PACE)
    assert answered.calls > CALLERS and answered.questions >= 2 * CALLERS
