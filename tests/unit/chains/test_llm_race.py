"""Of several language models that are asked the same, one is heard and the others are stopped."""

from __future__ import annotations

import asyncio

import pytest
from livekit.plugins.chains import BreakerState, FaultKind, Hedged

from tests.contract.llm_checks import calls_of, question
from tests.fakes.scripted_chain import DEAD, HEALTHY, STORY, chain_of
from tests.fakes.scripted_llm import HANG, USAGE, ScriptedLLM, call

pytestmark = pytest.mark.virtual_time


async def test_of_two_who_call_a_tool_at_once_one_is_passed_on() -> None:
    engines = [ScriptedLLM([0.1, call()]), ScriptedLLM([0.1, call()])]
    async with chain_of(*engines, hedge_s=0.0) as made:
        heard = await made.ask()
        assert len(calls_of(heard.chunks)) == 1


async def test_a_silent_first_member_is_overtaken_and_cancelled() -> None:
    engines = [ScriptedLLM([0.6, *HEALTHY]), ScriptedLLM([0.1, *HEALTHY, USAGE])]
    async with chain_of(*engines, hedge_s=0.3) as made:
        heard = await made.ask()
        assert heard.text == STORY and heard.at_s[0] == pytest.approx(0.42)
        hedged = [event for event in made.events if isinstance(event, Hedged)]
        assert [(h.first, h.second, h.winner) for h in hedged] == [("1", "2", "2")]
        assert hedged[0].wasted_tokens in (10, 11)  # what it read, and the token it stopped at
        assert made.chain.in_use.name == "2"
        await asyncio.sleep(1.0)
        assert engines[0].asked[0].steps_done <= 2
        assert made.breakers.of("1").may_try()


async def test_a_first_member_that_speaks_in_time_costs_no_second_request() -> None:
    async with chain_of(ScriptedLLM([0.2, *HEALTHY]), ScriptedLLM(HEALTHY), hedge_s=0.3) as made:
        await made.ask()
        assert made.engines[1].asked == [] and made.events == []


async def test_the_first_member_may_still_win_and_the_second_is_cancelled_at_once() -> None:
    engines = [ScriptedLLM([0.35, *HEALTHY]), ScriptedLLM([0.2, *HEALTHY])]
    async with chain_of(*engines, hedge_s=0.3) as made:
        heard = await made.ask()
        assert heard.text == STORY and made.chain.in_use.name == "1"
        assert engines[1].asked[0].ended_at_s == pytest.approx(
            engines[0].asked[0].at_s + 0.35, abs=0.01
        )
        assert [event.winner for event in made.events if isinstance(event, Hedged)] == ["1"]


async def test_a_race_from_the_start_is_won_by_the_faster() -> None:
    engines = [ScriptedLLM([0.5, *HEALTHY]), ScriptedLLM([0.05, *HEALTHY])]
    async with chain_of(*engines, hedge_s=0.0) as made:
        heard = await made.ask()
        assert heard.text == STORY and heard.at_s[0] == pytest.approx(0.07)


async def test_a_member_that_hangs_is_found_out_though_others_win_its_races() -> None:
    async with chain_of(ScriptedLLM([HANG]), ScriptedLLM(HEALTHY), hedge_s=0.2) as made:
        for _ in range(3):
            assert (await made.ask()).text == STORY
            await asyncio.sleep(1.0)
        assert made.breakers.of("1").state is BreakerState.OPEN


async def test_a_hedge_whose_first_member_dies_goes_on_with_the_second() -> None:
    engines = [ScriptedLLM([0.3, DEAD]), ScriptedLLM([0.2, *HEALTHY])]
    async with chain_of(*engines, hedge_s=0.2) as made:
        heard = await made.ask()
        assert heard.text == STORY and heard.at_s[0] == pytest.approx(0.42)
        assert made.switches() == [("1", "2", FaultKind.UNREACHABLE, 0)]


async def test_an_interruption_ends_all_members_at_once() -> None:
    engines = [ScriptedLLM([HANG]), ScriptedLLM([HANG])]
    async with chain_of(*engines, hedge_s=0.1) as made:
        stream = made.chain.chat(chat_ctx=question())
        await asyncio.sleep(0.3)
        begun_s = asyncio.get_running_loop().time()
        await stream.aclose()
        await stream.aclose()
        await asyncio.sleep(0.0)
        assert asyncio.get_running_loop().time() == begun_s
        assert all(engine.asked[0].ended_at_s == begun_s for engine in engines)
        assert made.breakers.of("1").may_try() and made.switches() == []
        hedged = [event for event in made.events if isinstance(event, Hedged)]
        assert [(h.first, h.second, h.winner) for h in hedged] == [("1", "2", "none")]
