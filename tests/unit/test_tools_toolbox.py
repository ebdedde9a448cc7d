from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from livekit.agents import ToolError

from agent.tools import CallActions, Toolbox
from agent.tools.faq import Answer, Faq
from agent.tools.memory import Memory
from agent.tools.timers import TimerError, Timers, spoken_duration

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Room:
    """Keeps what the tools said and did."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.ended = 0

    def hang_up(self) -> None:
        self.ended += 1


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def toolbox(room: Room) -> Toolbox:
    faq = Faq([Answer("When are you open?", "From nine to five.")])
    actions = CallActions(announce=room.said.append, hang_up=room.hang_up)
    return Toolbox(actions, faq, now=lambda: NOON, time_zone="Europe/Paris")


def test_every_tool_is_offered_with_a_description(toolbox: Toolbox) -> None:
    names = {tool.id for tool in toolbox.tools()}
    assert names == {
        "get_time", "get_date", "set_timer", "list_timers", "cancel_timer", "calculate",
        "remember", "recall", "search_faq", "end_call",
    }  # fmt: skip


async def test_time_is_told_here_and_elsewhere(toolbox: Toolbox) -> None:
    assert await toolbox.get_time() == "It is 1:00 PM."
    assert await toolbox.get_time("Tokyo") == "It is 9:00 PM in Tokyo."
    assert await toolbox.get_date("Tokyo") == "It is Sunday, November 22, 2026 in Tokyo."
    with pytest.raises(ToolError, match="Atlantis"):
        await toolbox.get_time("Atlantis")


async def test_a_timer_speaks_up_when_it_is_due(toolbox: Toolbox, room: Room) -> None:
    assert await toolbox.set_timer(0.01, "tea") == "Your timer for tea is set to 0 seconds."
    assert "tea" in await toolbox.list_timers()
    await asyncio.sleep(0.05)
    assert room.said == ["Your 0 second timer for tea is up."]
    assert await toolbox.list_timers() == "No timer is running."


async def test_a_cancelled_timer_stays_silent(toolbox: Toolbox, room: Room) -> None:
    await toolbox.set_timer(0.01, "tea")
    await toolbox.set_timer(60.0, "eggs")
    assert await toolbox.cancel_timer("tea") == "Cancelled: tea."
    assert await toolbox.cancel_timer("cake") == "There is no such timer."
    await asyncio.sleep(0.03)
    assert room.said == []
    toolbox.close()
    assert await toolbox.list_timers() == "No timer is running."


async def test_a_timer_is_cancelled_by_its_length(toolbox: Toolbox) -> None:
    for duration_s, label in ((300.0, None), (900.0, None), (300.0, "eggs")):
        await toolbox.set_timer(duration_s, label)
    assert await toolbox.cancel_timer("eggs", 900.0) == "There is no such timer."
    assert await toolbox.cancel_timer("eggs", 300.0) == "Cancelled: eggs."
    assert await toolbox.cancel_timer(duration_s=300.0) == "Cancelled: 5 minutes."
    assert "15 minutes" in await toolbox.list_timers()
    toolbox.close()


@pytest.mark.parametrize("duration_s", [0, -1, 100_000])
async def test_a_timer_of_no_sensible_length_is_refused(
    toolbox: Toolbox, duration_s: float
) -> None:
    with pytest.raises(ToolError, match="twenty-four hours"):
        await toolbox.set_timer(duration_s)


async def test_there_is_a_limit_to_timers() -> None:
    timers = Timers(lambda label, duration_s: None)
    for _ in range(20):
        timers.set(60)
    with pytest.raises(TimerError, match="20 timers"):
        timers.set(60)
    assert len(timers.cancel()) == 20


async def test_arithmetic_answers_or_says_why_not(toolbox: Toolbox) -> None:
    assert await toolbox.calculate("12 * 7") == "That is 84."
    with pytest.raises(ToolError, match="zero"):
        await toolbox.calculate("1/0")


async def test_what_was_told_is_recalled(toolbox: Toolbox) -> None:
    assert await toolbox.recall("dog") == "You have not told me about that."
    await toolbox.remember("my dog is called Rex")
    await toolbox.remember("the code is 42")
    assert await toolbox.recall("my dog") == "You told me: my dog is called Rex."
    assert await toolbox.recall("") == "You told me: the code is 42."
    assert await toolbox.recall("spaceship") == "You have not told me about that."


def test_memory_is_bounded() -> None:
    memory = Memory()
    for number in range(300):
        memory.remember(f"note {number}")
    assert memory.recall("") == "note 299"
    assert len(memory._notes) == 200


async def test_questions_are_answered_from_the_documents(toolbox: Toolbox) -> None:
    assert await toolbox.search_faq("when are you open") == "From nine to five."
    assert await toolbox.search_faq("who won the race") == "I found nothing about that."


async def test_ending_the_call_hangs_up(toolbox: Toolbox, room: Room) -> None:
    assert await toolbox.end_call() == "Goodbye!"
    assert room.ended == 1


@pytest.mark.parametrize(
    ("seconds", "spoken"),
    [(1, "1 second"), (90, "1 minute 30 seconds"), (3600, "1 hour"), (0, "0 seconds")],
)
def test_durations_are_told_as_people_say_them(seconds: float, spoken: str) -> None:
    assert spoken_duration(seconds) == spoken


async def test_another_process_goes_on_with_notes_and_timers(toolbox: Toolbox, room: Room) -> None:
    await toolbox.remember("my cat is called Felix")
    await toolbox.set_timer(60, "tea")
    state = toolbox.state()
    toolbox.close()
    actions = CallActions(announce=room.said.append, hang_up=room.hang_up)
    half_a_minute_later = NOON + timedelta(seconds=30)
    after = Toolbox(actions, Faq([]), now=lambda: half_a_minute_later)
    after.restore(state)
    assert "Felix" in await after.recall("cat")
    assert await after.list_timers() == "Your timers: tea, 30 seconds left."
    after.close()


async def test_a_timer_that_was_due_meanwhile_speaks_up_at_once(
    toolbox: Toolbox, room: Room
) -> None:
    await toolbox.set_timer(60, "tea")
    state = toolbox.state()
    toolbox.close()
    actions = CallActions(announce=room.said.append, hang_up=room.hang_up)
    after = Toolbox(actions, Faq([]), now=lambda: NOON + timedelta(minutes=5))
    after.restore(state)
    await asyncio.sleep(0.01)
    assert room.said == ["Your 1 minute timer for tea is up."]
    assert not after.has_timer
