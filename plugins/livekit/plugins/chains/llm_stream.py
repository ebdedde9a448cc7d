"""One answer of the chain."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from livekit.agents import APIConnectOptions, APIError, llm

from .continuation import continued
from .events import NOBODY, BrokeOff, Hedged, Switched, report
from .faults import Fault, FaultKind, nobody_left
from .llm_answer import Answer
from .llm_attempt import LOOK_S, Attempt, LLMMember
from .llm_race import Race, wait_for_news
from .strays import PATIENCE_S

if TYPE_CHECKING:
    from .llm import ChainLLM

_HOPE_S, _RETRY_S = 3.0, 0.5
"""Where nobody can be reached, the network may be gone for a moment: so long they are asked again, so often."""
_LONGEST_LIMIT_S = 1.0
"""A rate limit that is over so soon is waited for where nobody else is left."""
_CALL_STALL_S = 1.0
"""Between two pieces of a tool call, the least time that a member has, however short its deadline."""
_SENTENCE_END = (".", "!", "?", "…", "。", "！", "？")


class ChainStream(llm.LLMStream):
    # The members' own spans and metrics tell of the requests that were made.
    _llm_request_span_name: ClassVar[str] = "llm_chain"
    _llm_attempt_span_name: ClassVar[str | None] = None
    _genai_operation_name: ClassVar[str | None] = None

    def __init__(
        self,
        chain: ChainLLM,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
        options: Mapping[str, Any],
    ) -> None:
        super().__init__(chain, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)
        self._chain = chain
        self._options = options
        self._news = asyncio.Event()
        self._answer = Answer(self._event_ch.send_nowait)
        self._faults: list[tuple[LLMMember, Fault]] = []
        self._unanswered: list[tuple[LLMMember, Fault]] = []
        """Faults of which nobody has taken over yet."""
        self._hopes_until_s: float | None = None
        """Set while nobody can be reached."""
        self._has_waited = False
        """For a rate limit."""

    async def _run(self) -> None:
        order = self._chain.order(self._chat_ctx)
        hedges: list[tuple[Attempt, Attempt, str]] = []
        try:
            while True:
                race = Race(
                    order=order,
                    start=self._start,
                    referee=self,
                    strays=self._chain.strays,
                    news=self._news,
                    hedge_s=self._chain.hedge_s,
                    until_s=asyncio.get_running_loop().time() + self._conn_options.timeout,
                )
                attempt = None
                try:
                    attempt = await race.winner()
                finally:  # a caller who goes on ends it, too: both were asked for nothing
                    winner = attempt.member.name if attempt else NOBODY
                    hedges += [(first, second, winner) for first, second in race.hedges]
                if attempt is None:
                    await self._wait_for_somebody()
                    order = self._chain.order(self._chat_ctx)
                elif await self._relay(attempt):
                    return
        finally:
            for first, second, winner in hedges:
                self._report_hedge(first, second, winner)

    def failed(self, member: LLMMember, fault: Fault) -> None:
        self.was_late(member, fault)
        self._faults.append((member, fault))
        self._unanswered.append((member, fault))

    def was_late(self, member: LLMMember, fault: Fault) -> None:
        self._chain.failed(member, fault, self._chat_ctx)

    def goes_on(self, member: LLMMember | None) -> None:
        for source, fault in self._unanswered:
            event = Switched(
                stage="llm",
                source=source.name,
                to=member.name if member else None,
                fault=fault,
                words=len(self._answer.said.split()),
            )
            report(event, self._chain.on_event)
        self._unanswered.clear()

    def _start(self, member: LLMMember) -> Attempt:
        said = self._answer.said
        chat_ctx = continued(self._chat_ctx, said, self._chain.how_to_continue(member))
        conn_options = dataclasses.replace(
            self._conn_options,
            max_retry=0,
            timeout=max(member.deadline_s, self._chain.stall_s),
        )
        return Attempt(
            member,
            lambda: member.engine.chat(
                chat_ctx=chat_ctx, tools=self._tools, conn_options=conn_options, **self._options
            ),
            self._news,
            may_be_empty=said.rstrip().endswith(_SENTENCE_END),
        )

    async def _relay(self, attempt: Attempt) -> bool:
        """Passes an answer on as it comes. False if another member has to go on with it."""
        self._chain.answers(attempt.member)
        self._answer.goes_on()
        self._hopes_until_s = None
        try:
            fault = await self._pass_on(attempt) or self._lacks_end(attempt)
            if fault is None and not self._answer.finish():
                fault = Fault(FaultKind.PROTOCOL, "gave an empty answer")
            if fault is None:
                self._chain.breakers.of(attempt.member.name).succeeded()
                await asyncio.wait([attempt.task], timeout=PATIENCE_S)  # for its metrics
                return True
        finally:
            self._chain.strays.leave(attempt.task)
        if not self._answer.has_called:
            self.failed(attempt.member, fault)
            return False
        self.was_late(attempt.member, fault)
        event = BrokeOff(stage="llm", name=attempt.member.name, fault=fault)
        report(event, self._chain.on_event)
        return True

    async def _pass_on(self, attempt: Attempt) -> Fault | None:
        loop = asyncio.get_running_loop()
        while True:
            attempt.look()
            stall_s = self._stall_s(attempt)
            for chunk in attempt.take():
                self._answer.add(chunk)
            if attempt.has_ended:
                return attempt.fault
            if fault := attempt.stall(stall_s):
                return fault
            due_s = attempt.life_s + stall_s - loop.time()
            await wait_for_news(self._news, min(due_s, LOOK_S))

    def _stall_s(self, attempt: Attempt) -> float:
        """Text comes as fast as its first token. So do the pieces of a call, each of which is seen, but
        some providers hold the first ones together."""
        patience_s = attempt.member.deadline_s
        if attempt.is_calling:
            patience_s = max(patience_s, _CALL_STALL_S)
        return min(self._chain.stall_s, patience_s)

    def _lacks_end(self, attempt: Attempt) -> Fault | None:
        """A stream that a proxy cuts off ends like a whole one, but without its usage."""
        name, tellers = attempt.member.name, self._chain.usage_tellers
        if attempt.tells_usage:
            tellers.add(name)
        elif name in tellers:
            return Fault(FaultKind.PROTOCOL, "ended before its answer was whole")
        return None

    async def _wait_for_somebody(self) -> None:
        """Nobody is left. Raises the error to end with, unless one may be there in a moment."""
        limited_s = [wait_s for wait_s in self._limits_s() if wait_s > 0]
        if not limited_s or self._has_waited or min(limited_s) > _LONGEST_LIMIT_S:
            await self._wait_for_network()
            return
        self._has_waited = True
        await asyncio.sleep(min(limited_s))

    def _limits_s(self) -> list[float]:
        return [self._chain.breakers.of(m.name).limited_for_s() for m in self._chain.members]

    async def _wait_for_network(self) -> None:
        """Nobody is left. Raises the error to end with, unless all may be there again in a moment."""
        now_s = asyncio.get_running_loop().time()
        last = {member.name: fault.kind for member, fault in self._faults}
        if set(last.values()) != {FaultKind.UNREACHABLE}:
            raise self._error() from None
        if self._hopes_until_s is None:
            self._hopes_until_s = now_s + min(_HOPE_S, self._conn_options.timeout)
        if now_s + _RETRY_S > self._hopes_until_s:
            raise self._error() from None
        await asyncio.sleep(_RETRY_S)

    def _error(self) -> APIError:
        """Without the members' own errors, which may quote a key."""
        last = {member.name: fault for member, fault in self._faults}
        what = "; ".join(f"{name} {fault.message}" for name, fault in last.items())
        nobody = (
            "none may be asked for now" if any(self._limits_s()) else "the keys of all are refused"
        )
        message = f"no language model answered: {what or nobody}"
        return nobody_left(message, {fault.kind for fault in last.values()})

    def _report_hedge(self, first: Attempt, second: Attempt, winner: str) -> None:
        loser = second if winner == first.member.name else first
        event = Hedged(
            stage="llm",
            first=first.member.name,
            second=second.member.name,
            winner=winner,
            wasted_tokens=loser.tokens + self._answer.prompt_tokens,
        )
        report(event, self._chain.on_event)

    async def _metrics_monitor_task(self, event_aiter: AsyncIterable[llm.ChatChunk]) -> None:
        """The members' metrics are the chain's, which only has to let go of its own chunks."""
        async for _ in event_aiter:
            pass
