import asyncio

import pytest
from livekit.plugins import simulated

from tests.session.conversation import conversation

pytestmark = pytest.mark.virtual_time


async def test_try() -> None:
    async with conversation(brain=simulated.LLM(delay_s=0.15)) as call:
        end = call.say("what a nice day")
        record = await call.record(1)
        print(end, record, call.loudspeaker.played, repr(call.subtitles.text), call.spoken())
        assert 0
