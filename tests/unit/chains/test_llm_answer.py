"""Whatever becomes of a language model, the answer is heard whole and once."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from livekit.agents import APIConnectionError, APIStatusError, llm
from livekit.plugins.chains import BrokeOff, Continuing, FaultKind

from tests.contract.llm_checks import calls_of
from tests.fakes.scripted_chain import CUT, DEAD, DEADLINE_S, HEALTHY, STORY, chain_of
from tests.fakes.scripted_llm import HANG, USAGE, ScriptedLLM, Step, call, words

pytestmark = pytest.mark.virtual_time

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
    async with chain_of(ScriptedLLM(steps), ScriptedLLM(HEALTHY)) as made:
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


@pytest.mark.parametrize(("steps", "kind"), MIDWAY)
@pytest.mark.parametrize(
    "rest", ["there was a fox.", "a time there was a fox.", STORY, "Time there was a fox."]
)
async def test_an_answer_that_breaks_off_is_ended_by_the_next_member(
    steps: list[Step], kind: FaultKind, rest: str
) -> None:
    async with chain_of(ScriptedLLM([*CUT, " ", *steps]), ScriptedLLM(words(rest))) as made:
        heard = await made.ask()
        assert heard.text == STORY
        assert made.switches() == [("1", "2", kind, 4)]
        assert heard.longest_silence_s <= (0.9 if kind is FaultKind.TIMEOUT else 0.3)
        assert len({chunk.id for chunk in heard.chunks}) == 1
        asked = made.engines[1].asked[0].messages
        assert asked[:2] == made.engines[0].asked[0].messages
        assert asked[2] == ("assistant", "Once upon a time") and asked[3][0] == "user"


async def test_the_piece_of_a_word_that_a_dying_member_leaves_is_never_heard() -> None:
    dying = ScriptedLLM(["Once", " upon", " a", " ti", DEAD])
    async with chain_of(dying, ScriptedLLM(words("time there was a fox."))) as made:
        assert (await made.ask()).text == STORY
        assert made.engines[1].asked[0].messages[2] == ("assistant", "Once upon a")


async def test_a_member_that_takes_up_the_next_token_is_given_the_answer_as_its_own() -> None:
    continues = {"2": Continuing.PREFILLED}
    dying, next_one = ScriptedLLM([*CUT, " ", DEAD]), ScriptedLLM(words("there was a fox."))
    async with chain_of(dying, next_one, continues=continues) as made:
        assert (await made.ask()).text == STORY
        assert next_one.asked[0].messages[-1] == ("assistant", "Once upon a time")


async def test_a_text_that_breaks_off_again_is_ended_by_a_third() -> None:
    engines = [
        ScriptedLLM([*CUT, " ", DEAD]),
        ScriptedLLM(["there ", "was ", DEAD]),
        ScriptedLLM(words("was a fox.")),
    ]
    async with chain_of(*engines) as made:
        assert (await made.ask()).text == STORY
        assert [switch[3] for switch in made.switches()] == [4, 6]


async def test_a_whole_sentence_needs_no_more_words() -> None:
    async with chain_of(ScriptedLLM([*HEALTHY, DEAD]), ScriptedLLM([USAGE])) as made:
        heard = await made.ask()
        assert heard.text == STORY and heard.chunks[-1].usage == USAGE


async def test_the_usage_of_all_who_took_part_is_counted() -> None:
    engines = [ScriptedLLM([*CUT, " ", USAGE, DEAD]), ScriptedLLM(["there was a fox.", USAGE])]
    async with chain_of(*engines) as made:
        usages = [chunk.usage for chunk in (await made.ask()).chunks if chunk.usage]
        assert [(u.prompt_tokens, u.total_tokens) for u in usages] == [(20, 28)]


async def test_an_answer_that_lacks_its_usage_is_not_whole() -> None:
    """Of a member that told it before: the end of a body that was cut off looks like any other."""
    first = ScriptedLLM([*HEALTHY, USAGE], CUT, [*HEALTHY, USAGE])
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
        async with chain_of(ScriptedLLM(steps), ScriptedLLM([call()])) as made:
            heard = await made.ask()
            assert len(calls_of(heard.chunks)) == 1
            assert made.engines[1].asked == []
            assert [type(event) for event in made.events] == [BrokeOff]


async def test_a_member_that_dies_before_its_call_is_whole_leaves_the_call_to_the_next() -> None:
    async with chain_of(ScriptedLLM(["One moment", 0.1, DEAD]), ScriptedLLM([call()])) as made:
        heard = await made.ask()
        assert len(calls_of(heard.chunks)) == 1 and heard.text == "One "


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
