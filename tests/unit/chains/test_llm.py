"""Whatever becomes of a language model, the call goes on, and what is wrong with it is told once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIStatusError,
    APITimeoutError,
    llm,
)
from livekit.plugins.chains import BreakerState, ChainLLM, FaultKind, Member

from tests.fakes.rate_limit import limited
from tests.fakes.scripted_chain import CUT, DEAD, DEADLINE_S, HEALTHY, STORY, chain_of
from tests.fakes.scripted_llm import HANG, USAGE, ScriptedLLM

pytestmark = pytest.mark.virtual_time


async def test_a_healthy_first_member_is_all_there_is() -> None:
    async with chain_of(ScriptedLLM([*HEALTHY, USAGE]), ScriptedLLM(HEALTHY)) as made:
        heard = await made.ask()
        assert heard.text == STORY and heard.chunks[-1].usage == USAGE
        assert made.engines[1].asked == [] and made.events == []
        assert (made.chain.model, made.chain.provider) == ("scripted", "fake")


async def test_a_fault_of_the_moment_is_made_good_by_a_chain_of_one() -> None:
    async with chain_of(ScriptedLLM([DEAD], HEALTHY)) as made:
        assert (await made.ask()).text == STORY
        assert made.switches() == [("1", "1", FaultKind.UNREACHABLE, 0)]


async def test_when_all_fail_one_clear_error_comes_quickly_and_is_not_retried() -> None:
    async with chain_of(ScriptedLLM([DEAD]), ScriptedLLM([RuntimeError("secret")])) as made:
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        with pytest.raises(APIConnectionError) as caught:
            await made.ask(conn_options=APIConnectOptions(max_retry=3, timeout=10.0))
        assert loop.time() - begun_s < 0.1
        assert not caught.value.retryable and "secret" not in str(caught.value)
        assert caught.value.message == (
            "no language model answered: 1 the connection failed; 2 it failed (RuntimeError)"
        )
        assert len(made.errors) == 1 and not made.errors[0].recoverable
        assert [switch[:2] for switch in made.switches()] == [
            ("1", "2"),
            ("2", "1"),
            ("1", "2"),
            ("2", None),
        ]


async def test_a_network_that_is_gone_for_a_moment_is_waited_for() -> None:
    dead = [[DEAD]] * 4
    async with chain_of(ScriptedLLM(*dead, HEALTHY), ScriptedLLM(*dead, HEALTHY)) as made:
        heard = await made.ask()
        assert heard.text == STORY and heard.at_s[0] == pytest.approx(1.0, abs=0.1)
        assert made.errors == []


async def test_one_that_is_gone_for_long_is_not() -> None:
    async with chain_of(ScriptedLLM([DEAD]), ScriptedLLM([DEAD])) as made:
        begun_s = asyncio.get_running_loop().time()
        with pytest.raises(APIConnectionError):
            await made.ask()
        assert asyncio.get_running_loop().time() - begun_s == pytest.approx(3.0)


async def test_when_all_are_silent_the_time_for_the_first_token_is_kept() -> None:
    async with chain_of(ScriptedLLM([HANG]), ScriptedLLM([HANG])) as made:
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        with pytest.raises(APITimeoutError):
            await made.ask(conn_options=APIConnectOptions(max_retry=3, timeout=1.0))
        assert loop.time() - begun_s == pytest.approx(1.0)


async def test_a_sentence_that_nobody_can_end_ends_in_an_error() -> None:
    async with chain_of(ScriptedLLM([*CUT, " ", DEAD], [DEAD]), ScriptedLLM([DEAD])) as made:
        with pytest.raises(APIConnectionError):
            await made.ask()


async def test_members_are_asked_once_by_the_chain_and_never_retry_themselves() -> None:
    async with chain_of(ScriptedLLM([DEAD]), ScriptedLLM(HEALTHY)) as made:
        await made.ask(conn_options=APIConnectOptions(max_retry=3, timeout=10.0))
        assert [len(engine.asked) for engine in made.engines] == [1, 1]
        assert {e.asked[0].conn_options.max_retry for e in made.engines} == {0}


async def test_after_three_faults_a_member_is_asked_no_more_until_a_probe_succeeds() -> None:
    async with chain_of(ScriptedLLM([DEAD], [DEAD], [DEAD], HEALTHY), ScriptedLLM(HEALTHY)) as made:
        collected: list[Any] = []
        made.chain.on("metrics_collected", collected.append)
        for _ in range(5):
            assert (await made.ask()).text == STORY
        first = made.engines[0]
        assert len(first.asked) == 3
        await asyncio.sleep(6.0)
        assert [len(asked.messages) for asked in first.asked] == [2, 2, 2, 1]  # a probe's own words
        assert first.asked[3].steps_done <= 2
        assert len(collected) == 5, "a probe counts as an answer"
        assert (await made.ask()).text == STORY and len(first.asked) == 5


async def test_who_failed_a_turn_comes_last_in_what_else_is_asked_for_it() -> None:
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="user", content="What time is it?")
    async with chain_of(ScriptedLLM([HANG], HEALTHY), ScriptedLLM(HEALTHY)) as made:
        await made.ask(chat_ctx=chat_ctx)
        chat_ctx.insert(llm.FunctionCall(call_id="1", name="clock", arguments="{}"))
        chat_ctx.insert(
            llm.FunctionCallOutput(call_id="1", name="clock", output="noon", is_error=False)
        )
        assert (await made.ask(chat_ctx=chat_ctx)).at_s[0] < DEADLINE_S / 2
        assert [len(engine.asked) for engine in made.engines] == [1, 2]
        chat_ctx.add_message(role="user", content="Thank you.")
        await made.ask(chat_ctx=chat_ctx)
        assert [len(engine.asked) for engine in made.engines] == [2, 2]


async def test_a_refused_key_is_asked_about_once() -> None:
    refused = ScriptedLLM([APIStatusError("no", status_code=401)])
    async with chain_of(refused, ScriptedLLM(HEALTHY)) as made:
        for _ in range(3):
            await made.ask()
            await asyncio.sleep(100.0)
        assert len(refused.asked) == 1


async def test_when_every_key_is_refused_the_error_says_so_at_once() -> None:
    async with chain_of(ScriptedLLM([APIStatusError("no", status_code=401)])) as made:
        with pytest.raises(APIConnectionError, match="does not take the key"):
            await made.ask()
        with pytest.raises(APIConnectionError, match="the keys of all are refused"):
            await made.ask()
        assert len(made.engines[0].asked) == 1


async def test_a_lone_member_is_not_asked_before_the_time_that_its_provider_named() -> None:
    async with chain_of(ScriptedLLM([limited(30.0)], HEALTHY)) as made:
        with pytest.raises(APIConnectionError, match="too many requests"):
            await made.ask()
        await asyncio.sleep(28.0)
        with pytest.raises(APIConnectionError, match="none may be asked for now"):
            await made.ask()
        assert len(made.engines[0].asked) == 1
        await asyncio.sleep(2.1)
        assert (await made.ask()).text == STORY


async def test_a_short_rate_limit_is_waited_for_once_where_nobody_else_is_left() -> None:
    async with chain_of(ScriptedLLM([limited(0.8)], HEALTHY)) as made:
        heard = await made.ask()
        assert heard.text == STORY and heard.at_s[0] == pytest.approx(0.8, abs=0.1)
    async with chain_of(ScriptedLLM([limited(0.8)])) as made:
        with pytest.raises(APIConnectionError, match="too many requests"):
            await made.ask()
        assert len(made.engines[0].asked) == 2


async def test_a_member_in_doubt_is_better_than_none() -> None:
    failed = APIStatusError("no", status_code=500)
    async with chain_of(ScriptedLLM([failed], [failed], HEALTHY)) as made:
        with pytest.raises(APIConnectionError):
            await made.ask()
        made.breakers.of("1").failed(made.events[0].fault)  # type: ignore[union-attr, arg-type]
        assert made.breakers.of("1").state is BreakerState.OPEN
        assert (await made.ask()).text == STORY
        assert made.breakers.of("1").state is BreakerState.OPEN, "only a probe closes it"
        await asyncio.sleep(6.5)
        assert made.breakers.of("1").state is BreakerState.CLOSED


async def test_a_member_that_will_not_close_is_left_behind() -> None:
    stubborn = ScriptedLLM([HANG], closes_after_s=30.0)
    async with chain_of(stubborn, ScriptedLLM(HEALTHY)) as made:
        heard = await made.ask()
        assert heard.text == STORY and heard.at_s[0] <= DEADLINE_S + 0.05
    await asyncio.sleep(60.0)
    assert stubborn.asked[0].ended_at_s is not None


async def test_metrics_are_those_of_the_members_that_answered() -> None:
    engines = [
        ScriptedLLM([*CUT, " ", USAGE, HANG], name="one"),
        ScriptedLLM([0.1, "there was a fox.", USAGE], name="two"),
    ]
    async with chain_of(*engines) as made:
        collected: list[Any] = []
        made.chain.on("metrics_collected", collected.append)
        await made.ask()
        assert [m.metadata.model_name for m in collected] == ["one", "two"]
        assert made.chain.model == "two"
    engines[1].emit("metrics_collected", collected[0])
    assert len(collected) == 2, "a closed chain still listens"


async def test_all_members_are_prewarmed_and_one_that_fails_is_no_matter() -> None:
    class Cold(ScriptedLLM):
        def prewarm(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
            raise RuntimeError

    engines = [Cold(HEALTHY), ScriptedLLM(HEALTHY), ScriptedLLM(HEALTHY)]
    async with chain_of(*engines) as made:
        made.chain.prewarm()
        made.chain.prewarm()
        await asyncio.sleep(0.1)
        assert [engine.prewarmed for engine in engines] == [0, 1, 1]
    for engine in engines:
        await engine.aclose()


async def test_the_agent_finds_the_members_it_knows() -> None:
    async with chain_of(ScriptedLLM(HEALTHY), ScriptedLLM(HEALTHY)) as made:
        assert [member.engine for member in made.chain.members] == made.engines


@pytest.mark.parametrize("names", [[], ["one", "one"]])
def test_a_chain_needs_members_with_names_of_their_own(names: list[str]) -> None:
    with pytest.raises(ValueError, match="name"):
        ChainLLM([Member(name, ScriptedLLM(HEALTHY), 1.0) for name in names])
