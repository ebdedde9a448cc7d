"""Whatever becomes of a language model, the answer is heard whole, once, and in time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIStatusError,
    APITimeoutError,
    llm,
)
from livekit.plugins.chains import (
    Breakers,
    BreakerState,
    BrokeOff,
    ChainLLM,
    Continuing,
    FaultKind,
    Hedged,
    Member,
    Switched,
)
from livekit.plugins.chains.events import ChainEvent

from tests.contract.llm_checks import calls_of, question, text_of
from tests.fakes.scripted_llm import HANG, USAGE, ScriptedLLM, Step, call, words

pytestmark = pytest.mark.virtual_time

DEADLINE_S = 0.7
STORY = "Once upon a time there was a fox."
DEAD = APIConnectionError("dead")
HEALTHY = words(STORY)


@dataclass
class Chain:
    chain: ChainLLM
    engines: list[ScriptedLLM]
    events: list[ChainEvent]
    breakers: Breakers
    errors: list[Any] = field(default_factory=list)

    async def ask(self, **options: Any) -> Heard:
        loop = asyncio.get_running_loop()
        heard = Heard(loop.time())
        conn_options = options.pop("conn_options", APIConnectOptions(timeout=10.0))
        stream = self.chain.chat(chat_ctx=question(), conn_options=conn_options, **options)
        async with stream:
            async for chunk in stream:
                heard.chunks.append(chunk)
                heard.at_s.append(loop.time() - heard.begun_s)
        return heard

    def switches(self) -> list[tuple[str, str | None, FaultKind, int]]:
        return [
            (event.source, event.to, event.fault.kind, event.words)
            for event in self.events
            if isinstance(event, Switched)
        ]


@dataclass
class Heard:
    begun_s: float
    chunks: list[llm.ChatChunk] = field(default_factory=list)
    at_s: list[float] = field(default_factory=list)

    @property
    def text(self) -> str:
        return text_of(self.chunks)

    @property
    def longest_silence_s(self) -> float:
        times_s = [0.0, *self.at_s]
        return max(b - a for a, b in zip(times_s, times_s[1:], strict=False))


@asynccontextmanager
async def chain_of(*engines: ScriptedLLM, **options: Any) -> AsyncIterator[Chain]:
    events: list[ChainEvent] = []
    breakers = Breakers(on_event=events.append, chance=lambda: 0.5)
    members = [
        Member(str(number), engine, DEADLINE_S) for number, engine in enumerate(engines, start=1)
    ]
    chain = ChainLLM(members, breakers, on_event=events.append, **options)
    made = Chain(chain, list(engines), events, breakers)
    chain.on("error", made.errors.append)
    try:
        yield made
    finally:
        await chain.aclose()
        await chain.aclose()


def broken(*answers: Sequence[Step], **options: Any) -> ScriptedLLM:
    return ScriptedLLM(*answers, **options)


async def test_a_healthy_first_member_is_all_there_is() -> None:
    async with chain_of(ScriptedLLM([*HEALTHY, USAGE]), ScriptedLLM(HEALTHY)) as made:
        heard = await made.ask()
        assert heard.text == STORY and heard.chunks[-1].usage == USAGE
        assert made.engines[1].asked == [] and made.events == []
        assert (made.chain.model, made.chain.provider) == ("scripted", "fake")


FAULTS_BEFORE = [
    ("dead", [DEAD], FaultKind.UNREACHABLE),
    ("silent", [HANG], FaultKind.TIMEOUT),
    ("empty", [USAGE], FaultKind.PROTOCOL),
    ("blank", ["\n"], FaultKind.PROTOCOL),
    ("a web page", ["<!DOCTYPE html><html>"], FaultKind.PROTOCOL),
    ("a line without end", ["x" * 100_000], FaultKind.PROTOCOL),
    ("a torn call", [call(arguments='{"time_zone": "Eu')], FaultKind.PROTOCOL),
    ("a call of nothing", [call(name="")], FaultKind.PROTOCOL),
    ("foreign", [RuntimeError("onnx says no")], FaultKind.OTHER),
    ("refused", [APIStatusError("no", status_code=401)], FaultKind.KEY),
    ("limited", [APIStatusError("no", status_code=429)], FaultKind.RATE_LIMIT),
]
BEFORE = [pytest.param(*case[1:], id=case[0]) for case in FAULTS_BEFORE]


@pytest.mark.parametrize(("steps", "kind"), BEFORE)
async def test_a_member_that_fails_before_its_first_word_is_not_heard_at_all(
    steps: list[Step], kind: FaultKind
) -> None:
    async with chain_of(broken(steps), ScriptedLLM(HEALTHY)) as made:
        heard = await made.ask()
        assert heard.text == STORY
        assert heard.at_s[0] <= DEADLINE_S + 0.05
        assert made.switches() == [("1", "2", kind, 0)]
        assert made.engines[1].asked[0].messages == made.engines[0].asked[0].messages


FAULTS_MIDWAY = [
    ("dies", [DEAD], FaultKind.UNREACHABLE),
    ("stalls", [HANG], FaultKind.TIMEOUT),
    ("garbage", ["y" * 100_000], FaultKind.PROTOCOL),
]
MIDWAY = [pytest.param(*case[1:], id=case[0]) for case in FAULTS_MIDWAY]
CUT = words("Once upon a time")


@pytest.mark.parametrize(("steps", "kind"), MIDWAY)
@pytest.mark.parametrize(
    "rest", ["there was a fox.", "a time there was a fox.", STORY, "Time there was a fox."]
)
async def test_an_answer_that_breaks_off_is_ended_by_the_next_member(
    steps: list[Step], kind: FaultKind, rest: str
) -> None:
    async with chain_of(broken([*CUT, " ", *steps]), ScriptedLLM(words(rest))) as made:
        heard = await made.ask()
        assert heard.text == STORY
        assert made.switches() == [("1", "2", kind, 4)]
        assert heard.longest_silence_s <= (0.9 if kind is FaultKind.TIMEOUT else 0.3)
        assert len({chunk.id for chunk in heard.chunks}) == 1
        asked = made.engines[1].asked[0].messages
        assert asked[:2] == made.engines[0].asked[0].messages
        assert asked[2] == ("assistant", "Once upon a time") and asked[3][0] == "user"


async def test_the_piece_of_a_word_that_a_dying_member_leaves_is_never_heard() -> None:
    dying = broken(["Once", " upon", " a", " ti", DEAD])
    async with chain_of(dying, ScriptedLLM(words("time there was a fox."))) as made:
        assert (await made.ask()).text == STORY
        assert made.engines[1].asked[0].messages[2] == ("assistant", "Once upon a")


async def test_a_member_that_takes_up_the_next_token_is_given_the_answer_as_its_own() -> None:
    continues = {"2": Continuing.PREFILLED}
    dying, next_one = broken([*CUT, " ", DEAD]), ScriptedLLM(words("there was a fox."))
    async with chain_of(dying, next_one, continues=continues) as made:
        assert (await made.ask()).text == STORY
        assert next_one.asked[0].messages[-1] == ("assistant", "Once upon a time")


async def test_a_text_that_breaks_off_again_is_ended_by_a_third() -> None:
    engines = [
        broken([*CUT, " ", DEAD]),
        broken(["there ", "was ", DEAD]),
        ScriptedLLM(words("was a fox.")),
    ]
    async with chain_of(*engines) as made:
        assert (await made.ask()).text == STORY
        assert [switch[3] for switch in made.switches()] == [4, 6]


async def test_a_whole_sentence_needs_no_more_words() -> None:
    async with chain_of(broken([*HEALTHY, DEAD]), ScriptedLLM([USAGE])) as made:
        heard = await made.ask()
        assert heard.text == STORY and heard.chunks[-1].usage == USAGE


async def test_the_usage_of_all_who_took_part_is_counted() -> None:
    engines = [broken([*CUT, " ", USAGE, DEAD]), ScriptedLLM(["there was a fox.", USAGE])]
    async with chain_of(*engines) as made:
        usages = [chunk.usage for chunk in (await made.ask()).chunks if chunk.usage]
        assert [(u.prompt_tokens, u.total_tokens) for u in usages] == [(20, 28)]


async def test_an_answer_that_lacks_its_usage_is_not_whole() -> None:
    """Of a member that told it before: the end of a body that was cut off looks like any other."""
    first = broken([*HEALTHY, USAGE], CUT, [*HEALTHY, USAGE])
    async with chain_of(first, ScriptedLLM(words("time there was a fox."))) as made:
        assert (await made.ask()).text == STORY
        assert (await made.ask()).text == STORY
        assert made.switches() == [("1", "2", FaultKind.PROTOCOL, 3)]
        assert (await made.ask()).text == STORY
        assert len(made.switches()) == 1


async def test_a_member_that_never_tells_its_usage_needs_none() -> None:
    async with chain_of(ScriptedLLM(HEALTHY), ScriptedLLM(HEALTHY)) as made:
        assert [(await made.ask()).text for _ in range(2)] == [STORY, STORY]
        assert made.events == []


async def test_a_tool_call_is_passed_on_once_and_nothing_is_asked_after_it() -> None:
    for steps in ([call(), DEAD], [call(), HANG], ["One moment. ", call(), DEAD]):
        async with chain_of(broken(steps), ScriptedLLM([call()])) as made:
            heard = await made.ask()
            assert len(calls_of(heard.chunks)) == 1
            assert made.engines[1].asked == []
            assert [type(event) for event in made.events] == [BrokeOff]


async def test_a_member_that_dies_before_its_call_is_whole_leaves_the_call_to_the_next() -> None:
    async with chain_of(broken(["One moment", 0.1, DEAD]), ScriptedLLM([call()])) as made:
        heard = await made.ask()
        assert len(calls_of(heard.chunks)) == 1 and heard.text == "One "


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
    async with chain_of(broken([HANG]), ScriptedLLM(HEALTHY), hedge_s=0.2) as made:
        for _ in range(3):
            assert (await made.ask()).text == STORY
            await asyncio.sleep(1.0)
        assert made.breakers.of("1").state is BreakerState.OPEN


async def test_a_hedge_whose_first_member_dies_goes_on_with_the_second() -> None:
    engines = [broken([0.3, DEAD]), ScriptedLLM([0.2, *HEALTHY])]
    async with chain_of(*engines, hedge_s=0.2) as made:
        heard = await made.ask()
        assert heard.text == STORY and heard.at_s[0] == pytest.approx(0.42)
        assert made.switches() == [("1", "2", FaultKind.UNREACHABLE, 0)]


async def test_a_fault_of_the_moment_is_made_good_by_a_chain_of_one() -> None:
    async with chain_of(broken([DEAD], HEALTHY)) as made:
        assert (await made.ask()).text == STORY
        assert made.switches() == [("1", "1", FaultKind.UNREACHABLE, 0)]


async def test_when_all_fail_one_clear_error_comes_quickly_and_is_not_retried() -> None:
    async with chain_of(broken([DEAD]), broken([RuntimeError("secret")])) as made:
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


async def test_when_all_are_silent_the_time_for_the_first_token_is_kept() -> None:
    async with chain_of(broken([HANG]), broken([HANG])) as made:
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        with pytest.raises(APITimeoutError):
            await made.ask(conn_options=APIConnectOptions(max_retry=3, timeout=1.0))
        assert loop.time() - begun_s == pytest.approx(1.0)


async def test_a_sentence_that_nobody_can_end_ends_in_an_error() -> None:
    async with chain_of(broken([*CUT, " ", DEAD], [DEAD]), broken([DEAD])) as made:
        with pytest.raises(APIConnectionError):
            await made.ask()


async def test_members_are_asked_once_by_the_chain_and_never_retry_themselves() -> None:
    async with chain_of(broken([DEAD]), ScriptedLLM(HEALTHY)) as made:
        await made.ask(conn_options=APIConnectOptions(max_retry=3, timeout=10.0))
        assert [len(engine.asked) for engine in made.engines] == [1, 1]
        assert {e.asked[0].conn_options.max_retry for e in made.engines} == {0}


async def test_after_three_faults_a_member_is_asked_no_more_until_a_probe_succeeds() -> None:
    async with chain_of(broken([DEAD], [DEAD], [DEAD], HEALTHY), ScriptedLLM(HEALTHY)) as made:
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


async def test_a_refused_key_is_asked_about_once() -> None:
    refused = broken([APIStatusError("no", status_code=401)])
    async with chain_of(refused, ScriptedLLM(HEALTHY)) as made:
        for _ in range(3):
            await made.ask()
            await asyncio.sleep(100.0)
        assert len(refused.asked) == 1


async def test_when_every_key_is_refused_the_error_says_so_at_once() -> None:
    async with chain_of(broken([APIStatusError("no", status_code=401)])) as made:
        with pytest.raises(APIConnectionError, match="does not take the key"):
            await made.ask()
        with pytest.raises(APIConnectionError, match="the keys of all are refused"):
            await made.ask()
        assert len(made.engines[0].asked) == 1


async def test_a_member_in_doubt_is_better_than_none() -> None:
    async with chain_of(broken([DEAD], [DEAD], HEALTHY)) as made:
        with pytest.raises(APIConnectionError):
            await made.ask()
        made.breakers.of("1").failed(made.events[0].fault)  # type: ignore[union-attr, arg-type]
        assert made.breakers.of("1").state is BreakerState.OPEN
        assert (await made.ask()).text == STORY
        assert made.breakers.of("1").state is BreakerState.CLOSED


async def test_a_member_that_will_not_close_is_left_behind() -> None:
    stubborn = broken([HANG], closes_after_s=30.0)
    async with chain_of(stubborn, ScriptedLLM(HEALTHY)) as made:
        heard = await made.ask()
        assert heard.text == STORY and heard.at_s[0] <= DEADLINE_S + 0.05
    await asyncio.sleep(60.0)
    assert stubborn.asked[0].ended_at_s is not None


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


async def test_metrics_are_those_of_the_members_that_answered() -> None:
    engines = [
        broken([*CUT, " ", USAGE, HANG], name="one"),
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


async def test_a_thousand_questions_at_one_fault_in_five_calls_are_answered_whole() -> None:
    """Every fault of the tables above, before the first word or midway, at random."""
    chance = random.Random(11)
    faults = [steps for _, steps, _ in FAULTS_BEFORE[:6]]
    faults += [[*CUT, " ", *steps] for _, steps, _ in FAULTS_MIDWAY]

    class Flaky(ScriptedLLM):
        def chat(self, *, chat_ctx: llm.ChatContext, **options: Any) -> llm.LLMStream:
            answer = chance.choice(faults) if chance.random() < 0.2 else HEALTHY
            self.script.answers = [answer]  # its continuations begin from the start again
            return super().chat(chat_ctx=chat_ctx, **options)

    async with chain_of(Flaky(HEALTHY), Flaky(HEALTHY)) as made:
        wrong, failed, silences_s = [], 0, []
        for _ in range(1000):
            try:
                heard = await made.ask()
            except APIConnectionError:
                failed += 1
            else:
                silences_s.append(heard.longest_silence_s)
                wrong += [heard.text] if heard.text != STORY else []
            await asyncio.sleep(10.0)
        assert wrong == [] and failed <= 5, (failed, wrong[:3])
        assert sorted(silences_s)[950] <= 1.6
