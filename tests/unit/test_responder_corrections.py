"""What callers correct, in one breath and in the next turn."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from livekit.agents import function_tool, llm
from livekit.plugins import responder
from livekit.plugins.responder import load_skills
from livekit.plugins.responder.corrections import meant_words
from livekit.plugins.responder.intents import find_matches
from livekit.plugins.responder.replies import Moment, Responder, ToolCall
from livekit.plugins.responder.words import plain, split_words

TOOLS = frozenset(["get_time", "set_timer", "calculate", "remember", "cancel_timer", "end_call"])
FIVE = Moment(
    turn=2, tools=TOOLS, before="set a timer for five minutes", done=frozenset(["set_timer"])
)
TEN = ToolCall("set_timer", {"duration_s": 600.0})
NOT_FIVE = ToolCall("cancel_timer", {"duration_s": 300.0})


@pytest.fixture(scope="module")
def skilled() -> Responder:
    return Responder(load_skills())


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("set a timer for five no ten minutes", "set a timer for ten minutes"),
        ("Set a timer for 5, no, 10 minutes.", "set a timer for 10 minutes"),
        ("set a timer for five minutes no ten", "set a timer for ten minutes"),
        ("set a timer for five minutes no wait sorry six", "set a timer for six minutes"),
        ("set a timer for five um no uh ten minutes", "set a timer for ten minutes"),
        ("set a timer for five minutes no for ten minutes", "set a timer for ten minutes"),
        ("set a timer for five minutes no set a timer for ten", "set a timer for ten minutes"),
        ("set a timer for an hour and five minutes sorry ten", "set a timer for an hour and ten minutes"),
        ("set a timer for one hour five rather ten minutes", "set a timer for one hour ten minutes"),
        ("set a five minute timer no wait ten minutes for tea", "set a ten minutes timer for tea"),
        ("set a five no ten minute timer", "set a ten minute timer"),
        ("set a timer for five actually ten minutes", "set a timer for ten minutes"),
        ("a timer for five minutes make it a quarter of an hour", "a timer for a quarter of an hour"),
        ("remind me in half an hour i mean in two hours to call", "remind me in two hours to call"),
        ("timer for five minutes no six no seven minutes", "timer for seven minutes"),
        ("what is twelve times seven no eight", "what is twelve times eight"),
        ("what is twelve times seven actually eleven times six", "what is eleven times six"),
        ("what is twelve or rather thirteen times seven", "what is thirteen times seven"),
        ("my gate is five oh no six", "my gate is six"),
    ],
)  # fmt: skip
def test_the_later_of_two_values_is_meant(said: str, meant: str) -> None:
    assert " ".join(plain(meant_words(said))) == meant


@pytest.mark.parametrize(
    "said",
    [
        "set a timer for ten minutes",
        "no set a timer for ten minutes",
        "wait five minutes",
        "set a timer for five minutes and one for ten minutes",
        "is it five or ten minutes",
        "my number is five wait for me",
        "the answer is five no",
        "five oh six",
        "i said no five times",
        "remember that i have no milk and five eggs",
        "what is five minus two",
        "remind me in ten minutes to say sorry five times",
        "actually what time is it",
        "",
    ],
)
def test_without_a_correction_nothing_changes(said: str) -> None:
    assert plain(meant_words(said)) == plain(split_words(said))


@pytest.mark.parametrize(
    ("said", "durations_s"),
    [
        ("Set a timer for five minutes. No, ten minutes.", [600]),
        ("Set a timer for five... no, ten minutes.", [600]),
        ("Set a timer for five. No. Ten minutes.", [600]),
        ("Set a timer for five minutes. Sorry, start a ten minute timer.", [600]),
        ("set a timer for five minutes no make a timer for ten minutes", [600]),
        ("Set a timer for five minutes. And set a timer for ten minutes.", [300, 600]),
        ("Set a timer for five minutes. No. What time is it?", [300, None]),
    ],
)
def test_a_correction_may_be_a_sentence_of_its_own(
    said: str, durations_s: list[float | None]
) -> None:
    found = find_matches(said, load_skills().skills)
    values = [match.slots["duration"].value if match.slots else None for match in found]
    assert values == durations_s


def test_the_later_of_two_names_is_meant_but_a_note_is_left_as_it_is() -> None:
    skills = load_skills().skills
    (time,) = find_matches("what time is it in paris no london", skills)
    assert time.slots["place"].value == "london"
    (note,) = find_matches("remember that there is no milk", skills)
    assert note.slots["note"].value == "there is no milk"


@pytest.mark.parametrize(
    "said",
    [
        "no ten minutes",
        "I meant ten minutes.",
        "Actually, make it ten minutes.",
        "sorry ten",
        "No, set a timer for ten minutes.",
        "No. A ten minute timer.",
        "No, set a timer for ten minutes and cancel the other one.",
    ],
)
def test_what_was_done_before_is_undone_and_done_as_it_was_meant(
    skilled: Responder, said: str
) -> None:
    assert skilled.answer(said, FIVE).calls == (NOT_FIVE, TEN)
    assert skilled.answer(said, FIVE, calls_made=1).calls == (TEN,)


def test_what_was_not_done_is_not_undone(skilled: Responder) -> None:
    assert skilled.answer("no ten minutes", replace(FIVE, done=frozenset())).calls == (TEN,)
    without = replace(FIVE, tools=TOOLS - {"cancel_timer"})
    assert skilled.answer("no ten minutes", without).calls == (TEN,)


def test_a_turn_that_was_cut_off_before_its_unit_is_made_whole(skilled: Responder) -> None:
    cut_off = replace(FIVE, before="set a timer for five", done=frozenset())
    assert skilled.answer("no ten minutes", cut_off).calls == (TEN,)


def test_what_else_was_asked_for_is_not_done_again(skilled: Responder) -> None:
    both = replace(FIVE, before="what time is it and set a timer for five minutes")
    assert skilled.answer("no ten minutes", both).calls == (NOT_FIVE, TEN)


def test_the_label_goes_with_what_is_undone(skilled: Responder) -> None:
    pasta = replace(FIVE, before="set a pasta timer for five minutes")
    undone, done = skilled.answer("no ten minutes", pasta).calls
    assert undone.arguments == {"duration_s": 300.0, "label": "pasta"}
    assert done.arguments == {"duration_s": 600.0, "label": "pasta"}


def test_a_sum_is_done_anew(skilled: Responder) -> None:
    moment = replace(FIVE, before="what is twelve times seven", done=frozenset(["calculate"]))
    expected = ToolCall("calculate", {"expression": "12 * 8"})
    assert skilled.answer("no eight", moment).calls == (expected,)


@pytest.mark.parametrize(
    ("said", "calls"),
    [
        ("set a timer for ten minutes", (TEN,)),
        ("no also set a timer for ten minutes", (TEN,)),
        ("no what time is it", (ToolCall("get_time", {}),)),
        ("no thank you", ()),
        ("no goodbye", (ToolCall("end_call", {}),)),
    ],
)
def test_other_turns_undo_nothing(
    skilled: Responder, said: str, calls: tuple[ToolCall, ...]
) -> None:
    assert skilled.answer(said, FIVE).calls == calls


@function_tool
async def set_timer(duration_s: float, label: str | None = None) -> str:
    """Sets a timer."""
    return "set"


@function_tool
async def cancel_timer(label: str | None = None, duration_s: float | None = None) -> str:
    """Cancels one."""
    return "cancelled"


async def test_the_conversation_tells_what_was_done() -> None:
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="user", content="Set a timer for five minutes.")
    arguments = json.dumps({"duration_s": 300.0})
    chat_ctx.items += [
        llm.FunctionCall(call_id="1", name="set_timer", arguments=arguments),
        llm.FunctionCallOutput(call_id="1", name="set_timer", output="set", is_error=False),
    ]
    chat_ctx.add_message(role="assistant", content="Your timer")
    chat_ctx.add_message(role="user", content="No, ten minutes.")
    async with (
        responder.LLM() as model,
        model.chat(chat_ctx=chat_ctx, tools=[set_timer, cancel_timer]) as stream,
    ):
        calls = (await stream.collect()).tool_calls
    assert [call.name for call in calls] == ["cancel_timer", "set_timer"]
    assert json.loads(calls[1].arguments) == {"duration_s": 600.0}
