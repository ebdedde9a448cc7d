"""An upgrade of a pool with more calls than in tests/room/test_drain.py."""

from __future__ import annotations

import os

import pytest

from tests.room.rolling import Pace, rolling_restart
from tests.stack.processes import LiveKit

CALLERS = 12
IS_ROOMY = (os.cpu_count() or 1) >= 6
PACE = Pace() if IS_ROOMY else Pace(apart_s=3.0, pause_s=30.0, overlap_s=25.0)
"""A caller who speaks takes a tenth of a processor and their agent a sixth, and a worker that starts
beside them a whole one: on two processors twelve callers think longer about what to ask."""


@pytest.mark.timeout(600)
async def test_three_workers_are_replaced_under_twelve_callers_and_nobody_is_dropped(
    livekit: LiveKit,
) -> None:
    answered = await rolling_restart(livekit, CALLERS, PACE)
    assert answered.calls > CALLERS and answered.questions >= 2 * CALLERS
