"""Timers of one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

MAX_TIMERS = 20
MAX_DURATION_S = 24 * 3600.0


class TimerError(ValueError):
    """The timer cannot be set; the message can be spoken."""


@dataclass(frozen=True, eq=False)
class Timer:
    """A running timer."""

    label: str
    duration_s: float
    due_s: float
    """On the event loop's clock."""
    handle: asyncio.TimerHandle


class Timers:
    """Calls `on_fire(label, duration_s)` when a timer is due. Needs a running event loop."""

    def __init__(self, on_fire: Callable[[str, float], None]) -> None:
        self._on_fire = on_fire
        self._running: list[Timer] = []

    def set(self, duration_s: float, label: str | None = None) -> Timer:
        """Starts a timer. Raises TimerError."""
        if not 0 < duration_s <= MAX_DURATION_S:
            raise TimerError("A timer can run from one second to twenty-four hours.")
        if len(self._running) >= MAX_TIMERS:
            raise TimerError(f"There are {MAX_TIMERS} timers already; cancel one first.")
        loop = asyncio.get_running_loop()
        name = (label or "").strip() or spoken_duration(duration_s)
        handle = loop.call_later(duration_s, self._fire, name, duration_s)
        timer = Timer(name, duration_s, loop.time() + duration_s, handle)
        self._running.append(timer)
        return timer

    def resume(self, label: str, duration_s: float, left_s: float) -> None:
        """Goes on with a timer of another process; one that was due meanwhile fires at once."""
        loop = asyncio.get_running_loop()
        handle = loop.call_later(max(0.0, left_s), self._fire, label, duration_s)
        self._running.append(Timer(label, duration_s, loop.time() + left_s, handle))

    @property
    def has_any(self) -> bool:
        """Whether one is running."""
        return bool(self._running)

    @property
    def running(self) -> tuple[Timer, ...]:
        """In the order they were set."""
        return tuple(self._running)

    def remaining(self) -> list[tuple[str, float]]:
        """Label and seconds left of each timer, the next one first."""
        now = asyncio.get_running_loop().time()
        left = [(timer.label, timer.due_s - now) for timer in self._running]
        return sorted(left, key=lambda item: item[1])

    def cancel(self, label: str | None = None, duration_s: float | None = None) -> list[str]:
        """Cancels the timers whose label contains `label` and that were set for `duration_s`, or all;
        returns their labels."""
        wanted = (label or "").strip().lower()
        chosen = [
            timer
            for timer in self._running
            if wanted in timer.label.lower() and duration_s in (None, timer.duration_s)
        ]
        for timer in chosen:
            timer.handle.cancel()
            self._running.remove(timer)
        return [timer.label for timer in chosen]

    def _fire(self, label: str, duration_s: float) -> None:
        now = asyncio.get_running_loop().time()
        self._running = [timer for timer in self._running if timer.due_s > now]
        self._on_fire(label, duration_s)


def spoken_duration(duration_s: float, *, plural: bool = True) -> str:
    """Like “1 minute 30 seconds”; without `plural` like “1 minute 30 second”, as in “… timer”."""
    total = max(0, round(duration_s))
    parts = [(total // 3600, "hour"), (total % 3600 // 60, "minute"), (total % 60, "second")]
    named = [
        f"{count} {unit}{'s' if plural and count != 1 else ''}" for count, unit in parts if count
    ]
    return " ".join(named) or "0 second" + plural * "s"
