"""An upgrade of a pool with twice the calls of tests/room/test_drain.py."""

from __future__ import annotations

import pytest

from tests.room.rolling import rolling_restart
from tests.stack.processes import LiveKit

# The SDK drops a handle twice when a participant or a server goes.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.timeout(300)
async def test_three_workers_are_replaced_under_twelve_callers_and_nobody_is_dropped(
    livekit: LiveKit,
) -> None:
    answered = await rolling_restart(livekit, callers=12, pause_s=10.0)
    assert answered.calls > 12 and answered.questions >= 24
