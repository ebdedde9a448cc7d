"""A conversation that was held against its file: which rule sees which part of it."""

from __future__ import annotations

import numpy as np

from agent.continuity import Conversation as Kept
from agent.continuity.conversation import Said, ToolCall
from agent.tools.state import KeptTimer, ToolState
from evals.conversations.held import Exchange, Held, Line
from evals.conversations.scenario import Conversation, parse
from evals.conversations.user import Done
from evals.conversations.verdict import by_rules, record_of
from evals.ear.recording import Event, Lane, Recording
from evals.ear.results import EventResult

SCRIPT = """\
- name: timer
  about: b
  steps:
    - say: five minutes
      said: five
      called: {set_timer: {duration_s: 300}}
      within_ms: 1000
    - say: ten minutes
      interrupts_after_s: 1
      said: ten
  end:
    state: {timers: [600]}
    called: {cancel_timer: {}}
"""
USER = """\
- name: timer
  about: b
  user:
    goal: g
    wants: [{say: ten minutes, within_ms: 1000}]
"""
CALLS = tuple(
    ToolCall(name=name, call_id=name, arguments=arguments, output="ok")
    for name, arguments in (("set_timer", '{"duration_s": 300}'), ("cancel_timer", "{}"))
)
KEPT = Kept(
    room="r",
    job="j",
    caller="c",
    language="en",
    greeted=True,
    items=(Said(role="user", text="five minutes"), *CALLS, Said(role="assistant", text="Five.")),
    tools=ToolState(timers=(KeptTimer(label="10 minutes", duration_s=600.0, due_s=1.0),)),
    saved_s=0.0,
)


def conversation(text: str) -> Conversation:
    (found,) = parse(text, "test.yaml")
    return found


def held(
    *exchanges: Exchange,
    kept: Kept | None = KEPT,
    failure: str | None = None,
    done: Done | None = None,
) -> Held:
    lane = Lane(samples=np.zeros(0, dtype=np.int16), rate_hz=24_000, start_s=0.0)
    recording = Recording(caller=lane, agent=lane, events=(), failure=failure)
    return Held(recording=recording, exchanges=exchanges, kept=kept, outcome=done)


def result(response_s: float | None, outcome: str = "answered") -> EventResult:
    event = Event(kind="turn", utterance="u", text="u", voice="rms", start_s=0.0, end_s=1.0)
    return EventResult(event=event, outcome=outcome, response_s=response_s)  # type: ignore[arg-type]


def test_each_step_is_judged_by_what_came_of_it_and_the_end_by_all() -> None:
    script = conversation(SCRIPT)
    first, second = (Line.of(step) for step in script.steps)
    checks = by_rules(
        script,
        held(
            Exchange(line=first, event=0, heard="Five minutes.", calls=CALLS[:1]),
            Exchange(line=second, event=1, heard="Sorry?", calls=CALLS[1:]),
        ),
        [result(0.8), result(None, "unanswered")],
    )
    found = {check.what: check.verdict for check in checks}
    assert found == {
        "step 1: says 'five'": "met",
        "step 1: runs set_timer with {'duration_s': 300}": "met",
        "step 1: answers within 1000 ms": "met",
        "step 2: says 'ten'": "missed",
        "end: runs cancel_timer": "met",
        "end: has timers [600.0]": "met",
    }


def test_an_answer_that_came_too_soon_is_none_in_time() -> None:
    script = conversation(SCRIPT)
    exchange = Exchange(line=Line.of(script.steps[0]), event=0, heard="Five.", calls=CALLS[:1])
    (time,) = [
        check
        for check in by_rules(script, held(exchange), [result(0.2, "cut_off")])
        if check.about == "time"
    ]
    assert (time.verdict, time.why) == ("missed", "cut off")


def test_what_is_typed_over_an_answer_has_no_time_that_the_ear_can_tell() -> None:
    script = conversation(
        SCRIPT.replace("interrupts_after_s: 1", "interrupts_after_s: 1\n      within_ms: 1000")
    )
    second = Line.of(script.steps[1])
    typed = EventResult(
        event=Event(
            kind="interruption", utterance="u", text="u", voice="typed", start_s=1.0, end_s=1.0
        ),
        outcome="yielded",
    )
    exchange = Exchange(line=second, event=0, heard="Ten.", calls=())
    (time,) = [
        check for check in by_rules(script, held(exchange), [typed]) if check.about == "time"
    ]
    assert time.verdict == "not judged"


def test_what_could_not_be_said_and_a_call_that_broke_off_are_missed() -> None:
    script = conversation(SCRIPT)
    second = Line.of(script.steps[1])
    checks = by_rules(
        script,
        held(Exchange(line=second, event=None, skipped="too late"), failure="the agent left"),
        [],
    )
    why = {check.what: check.why for check in checks if check.verdict == "missed"}
    assert why["step 2: can be said"] == "too late"
    assert why["the call lasts to its end"] == "the agent left"


def test_a_simulated_caller_says_whether_it_has_what_it_wanted() -> None:
    line = Line(text="ten minutes")
    exchange = Exchange(line=line, event=0, heard="Ten.", calls=())
    done = Done(is_content=False, why="gave up")
    checks = by_rules(conversation(USER), held(exchange, done=done), [result(0.5)])
    assert [(check.verdict, check.why) for check in checks] == [
        ("missed", "gave up"),
        ("met", "500 ms"),
    ]


def test_the_record_for_a_judge_has_words_and_tools_in_order() -> None:
    assert record_of(held()).splitlines() == [
        "Caller: five minutes",
        '[tool set_timer({"duration_s": 300}) -> ok]',
        "[tool cancel_timer({}) -> ok]",
        "Agent: Five.",
    ]
    exchange = Exchange(line=Line(text="hi"), event=0, heard="Hello.")
    assert record_of(held(exchange, kept=None)) == "Caller: hi\nAgent: Hello."
