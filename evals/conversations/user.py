"""Callers that follow a goal. Pure: what the agent answered comes in, what to say comes out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol

from evals.conversations.rules import holds
from evals.conversations.scenario import Simulated, Want

MOST_TURNS = 20
"""After so many a call is over, whatever comes of it."""


@dataclass(frozen=True)
class Say:
    """The caller goes on."""

    text: str


@dataclass(frozen=True)
class Done:
    """The caller has nothing more to say."""

    is_content: bool
    """Whether all that was wanted was had."""
    why: str = ""


Move = Say | Done


class User(Protocol):
    """A caller. `begin` once, then `heard` after every answer; empty for none."""

    async def begin(self) -> Move: ...

    async def heard(self, answer: str) -> Move: ...


@dataclass
class GoalUser:
    """By rules: says what it wants, answers when asked, says it again in other words when it is not
    understood, and gives up after so many times."""

    person: Simulated
    _want: int = 0
    _said: int = 0
    """How often the present want was said."""
    _replied: dict[str, int] = field(default_factory=dict)
    """How often each question was answered for the present want."""

    def start(self) -> Move:
        """The first words."""
        return self._say()

    def process(self, answer: str) -> Move:
        """What to do after the agent said `answer`."""
        if self._is_settled(answer):
            self._want, self._said, self._replied = self._want + 1, 0, {}
            if self._want == len(self.person.wants):
                return Done(is_content=True)
            return self._say()
        for reply in self.person.replies:
            if re.search(reply.to, answer, re.IGNORECASE):
                return self._reply(reply.to, reply.say)
        return self._again()

    async def begin(self) -> Move:
        return self.start()

    async def heard(self, answer: str) -> Move:
        return self.process(answer)

    @property
    def _wanted(self) -> Want:
        return self.person.wants[self._want]

    def _is_settled(self, answer: str) -> bool:
        if self._wanted.until is not None:
            return holds(self._wanted.until, answer)
        misunderstood = re.search(self.person.misunderstood, answer, re.IGNORECASE)
        asked = any(re.search(reply.to, answer, re.IGNORECASE) for reply in self.person.replies)
        return bool(answer.strip()) and not misunderstood and not asked

    def _reply(self, question: str, text: str) -> Move:
        count = self._replied[question] = self._replied.get(question, 0) + 1
        if count > self.person.patience + 1:
            return Done(is_content=False, why=f"was asked {question!r} {count} times")
        return Say(text)

    def _again(self) -> Move:
        if self._said > self.person.patience:
            return Done(
                is_content=False, why=f"said {self._wanted.say[0]!r} {self._said} times in vain"
            )
        return self._say()

    def _say(self) -> Move:
        text = self._wanted.say[self._said % len(self._wanted.say)]
        self._said += 1
        return Say(text)
