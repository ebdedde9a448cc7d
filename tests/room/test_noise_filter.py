"""A call through the noise filter: a caller in a noisy room is heard and answered."""

from __future__ import annotations

import re

from tests.room.conftest import Join
from tests.stack.caller import Caller
from tests.stack.processes import LiveKit, running_worker
from tests.stack.speech import speech


async def test_a_caller_in_a_noisy_room_is_heard_and_answered(livekit: LiveKit, join: Join) -> None:
    own = {
        "AGENT_PROFILE": "embedded",
        "AGENT_NAME": "cleaning",
        "AGENT_NOISE": "highpass,rnnoise,gate,gain",
    }
    with running_worker(livekit.environment | own) as worker:
        caller = await join("cleaning", caller=Caller(noise_dbfs=-38))
        await caller.wait_for_answer(caller.joined_s)
        await caller.wait_for_quiet()
        end_s = await caller.say(speech("What time is it?"))
        await caller.wait_for_answer(end_s)
        await caller.wait_for(
            lambda: any(turn["outcome"] == "answered" for turn in caller.turns), "an answer"
        )
        metrics = worker.metrics()
        assert "parley_noise_filtered_calls 1.0" in metrics
        quiet = _value(metrics, 'floor_dbfs_bucket{le="-45.0"}')
        assert _value(metrics, "floor_dbfs_count") > quiet, "not the raw microphone was estimated"
        assert "noise filter failed" not in worker.log.read_text()


def _value(metrics: str, name: str) -> float:
    found = re.search(rf"^parley_noise_{re.escape(name)} (\S+)$", metrics, re.MULTILINE)
    assert found, f"there is no {name}"
    return float(found[1])
