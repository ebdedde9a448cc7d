"""One call of a simulated person with an agent whose engines fail on command."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.providers import Providers, is_continuation
from tests.chaos.trials import Trial
from tests.chaos.verdict import Turn, compare
from tests.chaos.voice import keep_apart, voiced
from tests.fakes.providers.coded_speech import CodedEar, words_of
from tests.fakes.providers.openai import Call as ToolCall
from tests.fakes.providers.provider import Asked
from tests.stack.caller import RATE_HZ, Caller, Heard, join_token
from tests.stack.processes import KEYS

NOUNS = (
    "river bakery violin garden harbour museum castle market forest island "
    "bridge station window candle mountain engine letter planet".split()
)
QUESTION = "please tell me about the {}"
REPLY = "I know much about that {}. It was built long ago."
keep_apart([QUESTION, REPLY, *NOUNS])
_STRIKE_AFTER_S = 0.7
"""Into the question; two or three of its words have been heard."""
_SETTLED_S = 0.6
_POLL_S = 0.05
_TOOL = ToolCall(name="set_timer", arguments={"duration_s": 3600, "label": "tea"})


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Of the person who waits for an answer."""

    begin_s: float = 12.0
    """For its first sound."""
    go_on_s: float = 4.0
    """For more of it, in a silence before its end."""


@dataclass
class Answer:
    """The agent's sound from some frame of the recording on."""

    ear: CodedEar = field(default_factory=lambda: CodedEar(RATE_HZ))
    words: list[str] = field(default_factory=list)
    sounds_s: list[float] = field(default_factory=list)
    """When each frame of sound came."""

    def hear(self, frames: list[Heard]) -> None:
        for frame in frames:
            self.words += [word.text for word in self.ear.hear(frame.samples.tobytes())]
            if frame.is_sound:
                self.sounds_s.append(frame.at_s)

    def longest_gap_s(self) -> float:
        pairs = zip(self.sounds_s, self.sounds_s[1:], strict=False)
        return max((after - before for before, after in pairs), default=0.0)

    def quiet_s(self, now_s: float) -> float | None:
        """None before the first sound."""
        return now_s - self.sounds_s[-1] if self.sounds_s else None


@dataclass
class ChaosCall:
    """The caller asks; each question has a word that no other one has."""

    caller: Caller
    providers: Providers
    patience: Patience
    heal: Callable[[], None]
    """Makes the worker forget the faults it has seen."""
    turns: int = 0
    _read: int = 0
    """Frames of the recording that belong to earlier turns."""
    _asked_before: int = 0
    """User messages of earlier turns."""

    async def ask(self, trial: Trial | None = None, *, calls_tool: bool = False) -> Turn:
        """One turn, in which the trial's fault happens; its answer comes after a tool if `calls_tool`,
        or if the fault is one of that."""
        noun = NOUNS[self.turns % len(NOUNS)]
        self.turns += 1
        question, reply = QUESTION.format(noun), REPLY.format(noun)
        script, requests = self.providers.script, self.providers.openai.asked
        calls_tool = calls_tool or (trial is not None and trial.stage == "tool")
        script.reply, script.call = reply, _TOOL if calls_tool else None
        asked_from = len(requests)
        self._read = len(self.caller.heard)
        if trial is not None:
            await self.providers.prepare(trial)
        end_s = await self._say(question, trial)
        answer = await self._listen(end_s, reply)
        was_met = trial is None or self.providers.was_met(trial)
        await self.providers.heal()
        self.heal()
        messages = _last_messages(requests[asked_from:])
        first_s = next((at_s for at_s in answer.sounds_s if at_s > end_s), None)
        return Turn(
            trial=str(trial or ""),
            question=question,
            understood=self._understood(messages),
            reply=reply,
            spoken=tuple(answer.words),
            response_s=first_s - end_s if first_s is not None else None,
            longest_gap_s=answer.longest_gap_s(),
            calls_tool=calls_tool,
            tool_runs=_tool_runs(messages),
            has_ended=self.caller.closed.is_set(),
            was_met=was_met,
        )

    async def _say(self, question: str, trial: Trial | None) -> float:
        speaking = asyncio.create_task(self.caller.say(voiced(question)))
        if trial is not None:
            await asyncio.sleep(_STRIKE_AFTER_S)
            await self.providers.strike(trial)
        return await speaking

    async def _listen(self, end_s: float, reply: str) -> Answer:
        answer, wanted = Answer(), words_of(reply)
        while not self.caller.closed.is_set():
            answer.hear(self.caller.heard[self._read :])
            self._read = len(self.caller.heard)
            now_s = time.monotonic()
            quiet_s = answer.quiet_s(now_s)
            is_whole = not compare(wanted, answer.words).lost
            if quiet_s is None:
                if now_s - end_s > self.patience.begin_s:
                    break
            elif quiet_s > (_SETTLED_S if is_whole else self.patience.go_on_s):
                break
            await asyncio.sleep(_POLL_S)
        answer.words += [word.text for word in answer.ear.finish()]
        return answer

    def _understood(self, messages: list[dict[str, Any]]) -> str:
        said = [it for it in messages if it["role"] == "user" and not is_continuation(it)]
        texts = [_text(message) for message in said]
        fresh = texts[self._asked_before :]
        self._asked_before = max(self._asked_before, len(texts))
        return " ".join(fresh)


def _last_messages(requests: Sequence[Asked]) -> list[dict[str, Any]]:
    """Of the last chat request; none without one."""
    for request in reversed(requests):
        if isinstance(request.body, dict) and "messages" in request.body:
            messages: list[dict[str, Any]] = request.body["messages"]
            return messages
    return []


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else " ".join(part["text"] for part in content)


def _tool_runs(messages: list[dict[str, Any]]) -> int:
    """Results of tools after the caller's last words."""
    runs = 0
    for message in reversed(messages):
        if message["role"] == "user" and not is_continuation(message):
            break
        runs += message["role"] == "tool"
    return runs


@contextlib.asynccontextmanager
async def calling(
    url: str,
    agent: str,
    providers: Providers,
    *,
    patience: Patience | None = None,
    heal: Callable[[], None] = lambda: None,
) -> AsyncIterator[ChaosCall]:
    """A call in a room of its own; it begins when the agent is there."""
    caller = Caller()
    room = f"chaos-{uuid.uuid4().hex[:8]}"
    metadata = json.dumps({"greeting": ""})
    token = join_token(KEYS.api_key, KEYS.api_secret, room, caller.identity, agent, metadata)
    await caller.join(url, token)
    try:
        await caller.wait_for(lambda: caller.room.remote_participants, "agent")
        await asyncio.sleep(1.0)
        yield ChaosCall(caller, providers, patience or Patience(), heal)
    finally:
        await caller.leave()
