"""The tools an LLM may call. Their docstrings are what it reads; their answers can be spoken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from livekit.agents import ToolError, function_tool, llm

from agent.tools.arithmetic import CalculationError, calculate
from agent.tools.clock import find_time_zone, in_zone, spoken_date, spoken_time, zone_name
from agent.tools.faq import Faq
from agent.tools.memory import Memory
from agent.tools.state import KeptTimer, ToolState
from agent.tools.timers import TimerError, Timers, spoken_duration


@dataclass(frozen=True)
class CallActions:
    """What tools may do to the call."""

    announce: Callable[[str], None]
    """Says something as soon as nobody speaks."""
    hang_up: Callable[[], None]
    """Ends the call once the goodbye has been heard."""


class Toolbox:
    """One call's tools and what they hold."""

    def __init__(
        self,
        actions: CallActions,
        faq: Faq,
        *,
        now: Callable[[], datetime],
        time_zone: str | None = None,
    ) -> None:
        self._actions = actions
        self._faq = faq
        self._now = now
        self._home = ZoneInfo(time_zone) if time_zone else None
        self._timers = Timers(self._timer_fired)
        self._memory = Memory()

    def tools(self) -> list[llm.Tool | llm.Toolset]:
        return list(llm.find_function_tools(self))

    @property
    def has_timer(self) -> bool:
        """Whether a timer of the caller is going to ring."""
        return self._timers.has_any

    def state(self) -> ToolState:
        """What another process needs to go on."""
        now_s, loop_s = self._now().timestamp(), asyncio.get_running_loop().time()
        timers = tuple(
            KeptTimer(
                label=timer.label,
                duration_s=timer.duration_s,
                due_s=now_s + timer.due_s - loop_s,
            )
            for timer in self._timers.running
        )
        return ToolState(notes=self._memory.notes, timers=timers)

    def restore(self, state: ToolState) -> None:
        """Goes on where another process was; what was due meanwhile is told at once."""
        for note in state.notes:
            self._memory.remember(note)
        now_s = self._now().timestamp()
        for timer in state.timers:
            self._timers.resume(timer.label, timer.duration_s, timer.due_s - now_s)

    def close(self) -> None:
        """Stops the timers."""
        self._timers.cancel()

    @function_tool
    async def get_time(self, time_zone: str | None = None) -> str:
        """Tells the current time.

        Args:
            time_zone: City, country or IANA name; leave out for the caller's own place.
        """
        now, place = self._local(time_zone)
        return f"It is {spoken_time(now)}{place}."

    @function_tool
    async def get_date(self, time_zone: str | None = None) -> str:
        """Tells today's date and day of the week.

        Args:
            time_zone: City, country or IANA name; leave out for the caller's own place.
        """
        now, place = self._local(time_zone)
        return f"It is {spoken_date(now)}{place}."

    @function_tool
    async def set_timer(self, duration_s: float, label: str | None = None) -> str:
        """Starts a timer that speaks up when it is due.

        Args:
            duration_s: How long, in seconds.
            label: What it is for, if the caller said so.
        """
        try:
            self._timers.set(duration_s, label)
        except TimerError as e:
            raise ToolError(str(e)) from e
        purpose = f" for {label}" if label else ""
        return f"Your timer{purpose} is set to {spoken_duration(duration_s)}."

    @function_tool
    async def list_timers(self) -> str:
        """Tells which timers run and how long they still have."""
        left = [
            f"{label}, {spoken_duration(left_s)} left" for label, left_s in self._timers.remaining()
        ]
        return f"Your timers: {'; '.join(left)}." if left else "No timer is running."

    @function_tool
    async def cancel_timer(self, label: str | None = None, duration_s: float | None = None) -> str:
        """Cancels a timer; all of them without any argument.

        Args:
            label: What it is for, as it was given when it was set.
            duration_s: How long it was set for, in seconds.
        """
        cancelled = self._timers.cancel(label, duration_s)
        if not cancelled:
            return "There is no such timer."
        return f"Cancelled: {', '.join(cancelled)}."

    @function_tool
    async def calculate(self, expression: str) -> str:
        """Calculates with numbers.

        Args:
            expression: Arithmetic like "12 * (3 + 4)"; + - * / // % ** sqrt() abs() round().
        """
        try:
            return f"That is {calculate(expression)}."
        except CalculationError as e:
            raise ToolError(str(e)) from e

    @function_tool
    async def remember(self, note: str) -> str:
        """Remembers something the caller says, for this call.

        Args:
            note: What to remember, as a short sentence.
        """
        self._memory.remember(note)
        return "I will remember that."

    @function_tool
    async def recall(self, query: str = "") -> str:
        """Recalls what the caller asked to remember.

        Args:
            query: What it is about; leave out for the latest.
        """
        note = self._memory.recall(query)
        return f"You told me: {note}." if note else "You have not told me about that."

    @function_tool
    async def search_faq(self, question: str) -> str:
        """Looks up a question in the operator's documents.

        Args:
            question: The caller's question, in their words.
        """
        answer = self._faq.search(question)
        return answer.text if answer else "I found nothing about that."

    @function_tool
    async def end_call(self) -> str:
        """Hangs up after a goodbye, when the caller says goodbye or asks to end the call."""
        self._actions.hang_up()
        return "Goodbye!"

    def _local(self, time_zone: str | None) -> tuple[datetime, str]:
        now = self._now()
        if not time_zone:
            return (now.astimezone(self._home) if self._home else now.astimezone()), ""
        zone = find_time_zone(time_zone)
        if zone is None:
            raise ToolError(f"I do not know the time in {time_zone}.")
        return in_zone(now, zone), f" in {zone_name(zone)}"

    def _timer_fired(self, label: str, duration_s: float) -> None:
        purpose = "" if label == spoken_duration(duration_s) else f" for {label}"
        length = spoken_duration(duration_s, plural=False)
        self._actions.announce(f"Your {length} timer{purpose} is up.")
