from dataclasses import replace

import pytest
from livekit.plugins.responder import load_skills
from livekit.plugins.responder.replies import Moment, Responder, ToolCall, ToolOutput
from livekit.plugins.responder.skills_file import parse_skills

TOOLS = frozenset(
    ["get_time", "set_timer", "calculate", "remember", "search_faq", "end_call", "cancel_timer"]
)
HERE = Moment(turn=1, tools=TOOLS)
BARE = Moment(turn=1)


@pytest.fixture(scope="module")
def responder() -> Responder:
    return Responder(load_skills())


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("what time is it", ToolCall("get_time", {})),
        ("what time is it in new york", ToolCall("get_time", {"time_zone": "new york"})),
        ("set a timer for ten seconds", ToolCall("set_timer", {"duration_s": 10.0})),
        (
            "set a pasta timer for ten minutes",
            ToolCall("set_timer", {"duration_s": 600.0, "label": "pasta"}),
        ),
        ("what is twelve times seven", ToolCall("calculate", {"expression": "12 * 7"})),
        ("remember that i like tea", ToolCall("remember", {"note": "i like tea"})),
        ("my name is Anna", ToolCall("remember", {"note": "my name is Anna"})),
        ("where is the exit", ToolCall("search_faq", {"question": "where is the exit"})),
        ("goodbye", ToolCall("end_call", {})),
    ],
)
def test_a_request_becomes_a_tool_call(responder: Responder, text: str, call: ToolCall) -> None:
    reply = responder.answer(text, HERE)
    assert (reply.text, reply.calls) == ("", (call,))


def test_without_the_tool_it_says_that_it_cannot(responder: Responder) -> None:
    reply = responder.answer("set a timer for ten seconds", BARE)
    assert reply.calls == ()
    assert "cannot" in reply.text or "not something I can" in reply.text
    assert "Goodbye" in responder.answer("goodbye", BARE).text


def test_a_question_without_a_faq_is_not_understood(responder: Responder) -> None:
    assert responder.answer("where is the exit", BARE) == responder.answer("blah blah", BARE)


def test_small_talk_needs_no_tool(responder: Responder) -> None:
    assert "Parley" in responder.answer("who are you", BARE).text


def test_the_fallback_names_what_it_can_do_and_varies(responder: Responder) -> None:
    said = {responder.answer("blah", replace(HERE, turn=turn)).text for turn in range(3)}
    assert len(said) == 3
    assert any("set timers" in text and "tell the time" in text for text in said)
    without_tools = {responder.answer("blah", Moment(turn=turn)).text for turn in range(3)}
    assert not any("timers" in text for text in without_tools)


def test_the_same_moment_gives_the_same_answer(responder: Responder) -> None:
    assert responder.answer("hello", HERE) == responder.answer("hello", HERE)


def test_two_requests_are_both_answered(responder: Responder) -> None:
    reply = responder.answer("what time is it and set a timer for ten seconds", HERE)
    assert [call.name for call in reply.calls] == ["get_time", "set_timer"]
    reply = responder.answer("How are you? What time is it?", HERE)
    assert reply.text
    assert [call.name for call in reply.calls] == ["get_time"]


def test_calls_that_were_made_are_not_made_again(responder: Responder) -> None:
    text = "what time is it and set a timer for ten seconds"
    reply = responder.answer(text, HERE, calls_made=1)
    assert [call.name for call in reply.calls] == ["set_timer"]
    assert responder.answer(text, HERE, calls_made=2).calls == ()


def test_it_repeats_what_it_said(responder: Responder) -> None:
    said = replace(HERE, last_reply="The moon is round.")
    assert responder.answer("say that again", said).text == "The moon is round."
    assert responder.answer("say that again", HERE).text == "I have not said anything yet."


def test_a_tool_output_is_said_as_it_is(responder: Responder) -> None:
    outputs = [ToolOutput("get_time", "It is noon."), ToolOutput("set_timer", "Timer set.")]
    reply = responder.after_tools("what time is it and set a timer for a minute", outputs, HERE)
    assert (reply.text, reply.calls) == ("It is noon. Timer set.", ())


def test_a_skill_may_word_the_tool_output(responder: Responder) -> None:
    reply = responder.after_tools("my name is Anna", [ToolOutput("remember", "Noted.")], HERE)
    assert reply.text in ("Nice to meet you, Anna.", "Pleased to meet you, Anna.")


def test_templates_may_use_the_result_and_the_slots() -> None:
    text = """
    extends: none
    skills:
      - name: lights
        examples: ["turn {state} the {room} lights"]
        tool: switch
        say: One moment.
        arguments: {room: "the {room}", state: "{state}", level: 3, "on": true}
        after_tool: "{room}: {result}!"
    """
    responder = Responder(parse_skills(text, "x", load_skills()))
    moment = Moment(tools={"switch"})
    reply = responder.answer("turn off the kitchen lights", moment)
    assert reply.text == "One moment."
    assert reply.calls[0].arguments == {
        "room": "the kitchen", "state": "off", "level": 3, "on": True,
    }  # fmt: skip
    after = responder.after_tools(
        "turn off the kitchen lights", [ToolOutput("switch", "done")], moment
    )
    assert after.text == "kitchen: done!"


@pytest.mark.parametrize("output", ["", "None", " "])
def test_a_tool_with_nothing_to_say_is_done(responder: Responder, output: str) -> None:
    said = responder.after_tools("cancel the timer", [ToolOutput("cancel_timer", output)], HERE)
    assert said.text == "Done."


def test_a_failed_tool_is_reported_politely(responder: Responder) -> None:
    failed = ToolOutput("get_time", "I do not know the time in Foo.", is_error=True)
    text = responder.after_tools("what time is it in foo", [failed], HERE).text
    assert text.endswith("I do not know the time in Foo.") and text != failed.output
    silent = ToolOutput("get_time", "", is_error=True)
    assert "cannot" in responder.after_tools("what time is it", [silent], HERE).text


def test_a_faq_that_finds_nothing_leads_to_the_fallback(responder: Responder) -> None:
    nothing = ToolOutput("search_faq", "I found nothing about that.")
    reply = responder.after_tools("where is the exit", [nothing], HERE)
    assert reply == responder.answer("blah blah", HERE)


def test_an_output_nobody_asked_for_is_said(responder: Responder) -> None:
    assert responder.after_tools("", [ToolOutput("other", "Hi.")], HERE).text == "Hi."


@pytest.mark.parametrize(
    ("instructions", "said"),
    [
        ('Say exactly: "Your timer is up."', "Your timer is up."),
        ("Say exactly: Your timer is up.", "Your timer is up."),
        ("A timer has fired. Tell the user: It is time for tea.", "It is time for tea."),
        ("Speak “the soup is ready” now", "the soup is ready"),
    ],
)
def test_what_it_is_told_to_say_is_said(responder: Responder, instructions: str, said: str) -> None:
    assert responder.instructed(instructions, HERE).text == said


def test_it_greets_when_told_to(responder: Responder) -> None:
    assert responder.instructed("Greet the user warmly.", HERE) == responder.greet(HERE)


def test_instructions_beyond_it_become_an_offer_to_help(responder: Responder) -> None:
    assert responder.instructed("Summarise the call in verse.", HERE) == responder.prompt(HERE)
