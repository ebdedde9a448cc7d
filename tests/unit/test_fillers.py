from __future__ import annotations

import pytest

from agent.turns.fillers import Fillers

PHRASES = ("Let me look.", "One moment.", "Just a second.")


def fillers(delay_s: float = 1.2) -> Fillers:
    return Fillers(delay_s=delay_s, phrases=PHRASES)


def look(
    state: Fillers,
    now_s: float,
    *,
    tool: bool = False,
    user: bool = False,
    agent: bool = False,
    busy: bool = False,
) -> str | None:
    return state.process(
        now_s, tool_running=tool, user_active=user, agent_speaking=agent, agent_busy=agent or busy
    )


def wait_for_tool(state: Fillers, now_s: float) -> str | None:
    """A turn of the caller and a tool that runs for ten seconds."""
    look(state, now_s, user=True)
    look(state, now_s)
    look(state, now_s + 1, tool=True)
    phrase = look(state, now_s + 2.2, tool=True)
    assert look(state, now_s + 10, tool=True) is None
    look(state, now_s + 11)
    return phrase


def answer(state: Fillers, now_s: float) -> None:
    look(state, now_s, agent=True)
    look(state, now_s + 1)


def test_a_tool_that_takes_long_is_bridged_once() -> None:
    state = fillers()
    assert look(state, 5.0, tool=True) is None
    assert state.due_s == pytest.approx(6.2)
    assert look(state, 6.1, tool=True) is None
    assert look(state, 6.2, tool=True) == "Let me look."
    assert state.due_s is None
    assert look(state, 60.0, tool=True) is None


def test_a_tool_that_is_soon_done_is_not() -> None:
    state = fillers()
    look(state, 5.0, tool=True)
    look(state, 6.1)
    assert state.due_s is None
    look(state, 6.15, tool=True)
    assert look(state, 6.3, tool=True) is None


def test_zero_is_never() -> None:
    state = fillers(delay_s=0)
    look(state, 5.0, tool=True)
    assert state.due_s is None
    assert look(state, 60.0, tool=True) is None


def test_phrases_take_turns() -> None:
    state = fillers()
    said = []
    for number in range(4):
        said.append(wait_for_tool(state, number * 100.0))
        answer(state, number * 100.0 + 50)
    assert said == [*PHRASES, PHRASES[0]]


def test_there_is_no_second_one_before_an_answer() -> None:
    state = fillers()
    assert wait_for_tool(state, 0.0) == PHRASES[0]
    assert wait_for_tool(state, 100.0) is None
    answer(state, 150.0)
    assert wait_for_tool(state, 200.0) == PHRASES[1]


def test_two_tools_one_after_the_other_get_one_between_them() -> None:
    state = fillers()
    look(state, 0.0, tool=True)
    assert look(state, 1.2, tool=True) is not None
    look(state, 3.0)
    look(state, 3.2, tool=True)
    assert look(state, 9.0, tool=True) is None


@pytest.mark.parametrize("tool", [True, False], ids=["during the tool", "before the tool"])
def test_an_agent_that_has_announced_its_tool_itself_needs_none(tool: bool) -> None:
    state = fillers()
    look(state, 0.0, user=True)
    look(state, 1.0, agent=True, tool=tool)
    look(state, 2.0, tool=True)
    assert look(state, 30.0, tool=True) is None


def test_a_greeting_does_not_count_against_the_first_turn() -> None:
    state = fillers()
    answer(state, 0.0)
    assert wait_for_tool(state, 10.0) == PHRASES[0]


def test_a_backchannel_during_the_answer_is_no_turn() -> None:
    state = fillers()
    look(state, 0.0, agent=True)
    look(state, 1.0, agent=True, user=True)
    look(state, 1.2, agent=True)
    look(state, 2.0, tool=True)
    assert look(state, 30.0, tool=True) is None


def test_nobody_is_talked_over() -> None:
    state = fillers()
    look(state, 0.0, tool=True)
    look(state, 1.0, tool=True, user=True)
    assert state.due_s is None
    assert look(state, 3.0, tool=True, user=True) is None
    look(state, 4.0, tool=True)
    assert look(state, 5.2, tool=True) == PHRASES[0]


def test_words_on_their_way_are_waited_for() -> None:
    state = fillers()
    look(state, 0.0, tool=True, busy=True)
    assert look(state, 1.2, tool=True, busy=True) is None
    assert state.due_s == pytest.approx(2.4)
    look(state, 2.0, tool=True, agent=True)
    assert look(state, 30.0, tool=True) is None
