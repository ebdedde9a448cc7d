"""A language model that reads along says where a turn may end, by the virtual clock."""

from __future__ import annotations

import math

import pytest
from livekit.plugins import llama_cpp

from agent.turn_record import TurnRecord
from tests.fakes.llama_http import END_TOKEN, LLAMA_URL, FakeLlama, spoken
from tests.session.conversation import conversation

pytestmark = pytest.mark.virtual_time

UNSURE = "we walked on"
"""After which the words model would rather wait: 0.28."""


def llama(end_probability: float, **options: float) -> FakeLlama:
    likely = [(END_TOKEN, "<end>", math.log(end_probability)), (8, " and", -3.0)]
    answer = spoken("That ", "is ", "a ", "long ", "way.", delay_s=0.15, pace_s=0.01)
    return FakeLlama((answer,), top_logprobs=likely, **options)


async def turn(server: FakeLlama, *, asks_model: bool = True, words: str = UNSURE) -> TurnRecord:
    """What a call on that server makes of a turn."""
    async with server.client() as http:
        brain = llama_cpp.LLM(LLAMA_URL, http=http)
        async with conversation(brain=brain, asks_model=asks_model) as call:
            call.say(words)
            record = await call.record(1)
    assert record.outcome == "answered" and record.eot_s is not None
    return record


async def eot_s(server: FakeLlama, **options: bool) -> float:
    return (await turn(server, **options)).eot_s or 0.0


async def test_what_the_model_makes_of_the_words_moves_the_end_of_the_turn() -> None:
    server = llama(0.9)
    likely_s, unlikely_s = await eot_s(server), await eot_s(llama(0.001))
    reads = server.bodies("/completion")
    assert reads[-1]["prompt"].endswith(f"<user>{UNSURE}") and reads[-1]["n_predict"] == 1
    without_s = await eot_s(llama(0.2))
    assert likely_s + 0.1 < without_s < unlikely_s - 0.1


async def test_a_model_that_is_late_is_not_waited_for() -> None:
    server = llama(0.9, evaluation_s=30.0)
    assert await eot_s(server) == await eot_s(llama(0.2))
    assert server.dropped, "the answer ended the reading"


async def test_words_that_are_complete_end_as_soon_as_without_it() -> None:
    record = await turn(llama(0.001), words="what time is it")
    assert record.eot_s == pytest.approx(0.3, abs=0.002)
