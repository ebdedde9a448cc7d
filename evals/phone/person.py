"""Somebody on the telephone: waits for a turn as people do, says sentences, presses keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from livekit.plugins.speechcore import Word

from evals.ear.caller import CallFailed, StepSkipped
from evals.ear.manners import ANSWER_S, Manners
from evals.ear.microphone import gain
from evals.ear.recording import Event, EventKind
from evals.ear.scenario import Step
from evals.ear.voices import Spoken
from evals.phone.line import Line
from evals.phone.rtp import FRAME_S
from evals.phone.sound import narrowed

BETWEEN_KEYS_S = 0.25

_POLL_S = 0.01
_LONGEST_REPLY_S = 60.0
_STOPPED_S = 0.5


class Person:
    """`announce` gets the words of each sentence before it is said; `is_over`: the call has ended."""

    def __init__(
        self,
        line: Line,
        announce: Callable[[Sequence[Word]], Awaitable[None]],
        is_over: Callable[[], bool],
    ) -> None:
        self.events: list[Event] = []
        self.skipped: list[str] = []
        """Why each step was left out that could not be done as it should."""
        self.pressed_s: list[float] = []
        """When the first packet of each key went."""
        self._line = line
        self._announce = announce
        self._is_over = is_over
        self._manners = Manners()

    async def follow(self, steps: Sequence[Step], spoken: Sequence[Spoken]) -> None:
        """Does one step after the other. Raises CallFailed."""
        for step, speech in zip(steps, spoken, strict=True):
            try:
                await self.wait_until_due(step)
                await self.say(step, speech)
            except StepSkipped as e:
                self.skipped.append(str(e))

    async def say(self, step: Step, speech: Spoken) -> Event:
        """Announces the words, says them, and returns when they have been said."""
        await self._announce(speech.words)
        zero_s = self._line.say(narrowed(speech.samples * gain(step.level_db)))
        utterance = step.utterance
        event = Event(
            kind=step.kind,
            utterance=utterance.id,
            text=" ".join(word.text for word in speech.words),
            voice=utterance.voice,
            start_s=zero_s + speech.start_s,
            end_s=zero_s + speech.end_s,
            pauses_s=tuple((zero_s + a, zero_s + b) for a, b in speech.pauses_s),
            tags=utterance.tags,
        )
        return await self._done(event)

    async def press(self, keys: str, kind: EventKind = "turn") -> Event:
        """The event is from the first key to the last, each when its first packet went."""
        times_s = []
        for key in keys:
            times_s.append(self._line.press(key))
            await asyncio.sleep(BETWEEN_KEYS_S)
        self.pressed_s += times_s
        event = Event(
            kind=kind,
            utterance=f"keys {keys}",
            text="",
            voice="keypad",
            start_s=times_s[0],
            end_s=max(times_s[-1], times_s[0] + FRAME_S),
        )
        return await self._done(event)

    async def wait_until_due(self, step: Step) -> None:
        """Raises StepSkipped, CallFailed."""
        if step.when == "quiet":
            await self.wait_for_quiet(step.seconds)
        elif step.when == "after":
            await self._sleep_until((self.events[-1].end_s if self.events else 0) + step.seconds)
        else:
            await self.wait_into_answer(step.seconds)

    async def wait_for_quiet(self, wanted_s: float) -> None:
        """Until what was asked is answered, and it has been quiet for so long."""
        await self._wait(
            lambda: self._manners.may_speak(self._line.ears, time.monotonic(), wanted_s),
            _LONGEST_REPLY_S,
            CallFailed("the agent did not stop speaking"),
        )

    async def wait_into_answer(self, seconds: float) -> None:
        """Until the answer to the last turn has gone on for so long."""
        ears = self._line.ears
        answer_s: float = await self._wait(
            lambda: self._manners.answer_s(ears),
            ANSWER_S,
            StepSkipped("the agent did not speak"),
        )
        await self._sleep_until(answer_s - self._line.origin_s + seconds)
        if time.monotonic() - ears.last_sound_s > _STOPPED_S:
            raise StepSkipped("the agent had stopped speaking before")

    async def _done(self, event: Event) -> Event:
        self.events.append(event)
        await self._sleep_until(event.end_s)
        self._manners.said(event.kind, event.end_s + self._line.origin_s)
        return event

    async def _sleep_until(self, at_s: float) -> None:
        await self._wait(
            lambda: self._line.now_s >= at_s,
            max(0.0, at_s - self._line.now_s) + 5.0,
            CallFailed("the caller's machine stood still"),
        )

    async def _wait(self, condition: Callable[[], Any], timeout_s: float, late: Exception) -> Any:
        """Polls; raises `late` after the time, CallFailed when the call has ended."""
        end_s = time.monotonic() + timeout_s
        while (value := condition()) in (None, False):
            if self._is_over():
                raise CallFailed("the call ended before its time")
            if time.monotonic() > end_s:
                raise late
            await asyncio.sleep(_POLL_S)
        return value
