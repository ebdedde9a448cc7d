"""The light callers of the load measurements, against a real worker."""

from __future__ import annotations

import asyncio

from evals.load.caller import LightCaller
from evals.load.steady import sentences
from tests.stack.caller import join_token
from tests.stack.processes import KEYS, LiveKit, Worker

LONGEST_WAY_S = 0.5
"""From the room's loudspeaker to the caller's ear on a busy machine."""


async def test_a_light_caller_hears_answers_when_the_agent_says_that_it_gave_them(
    simulated: Worker, livekit: LiveKit
) -> None:
    caller = LightCaller(1)
    token = join_token(KEYS.api_key, KEYS.api_secret, "light", caller.identity, "simulated")
    try:
        await caller.call(livekit.url, token)
        await asyncio.sleep(2.0)
        turns = [await caller.take_turn(step, speech) for step, speech in sentences(3)]
        await caller.listen_to_the_end()
        await caller.wait_for(lambda: len(caller.turns) >= len(turns), "turn records")
    finally:
        await caller.leave()
    assert {turn.outcome for turn in turns} == {"answered"}
    on_the_way_s = [
        turn.response_s - record["playout_s"]
        for turn, record in zip(turns, caller.turns, strict=False)
        if turn.response_s is not None
    ]
    assert all(-0.02 < way_s < LONGEST_WAY_S for way_s in on_the_way_s), on_the_way_s
    assert caller.clock.lateness_s
