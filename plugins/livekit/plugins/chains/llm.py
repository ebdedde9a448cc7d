"""An LLM of several: the first that speaks answers, and another one ends what it cannot."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Never

from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
    llm,
)

from .breakers import Breakers
from .continuation import Continuing
from .events import OnEvent, ignore
from .faults import Fault, GarbageError
from .llm_attempt import LLMMember
from .llm_stream import ChainStream
from .member import Prober, is_probe
from .order import Order
from .strays import Strays

logger = logging.getLogger(__package__)

_STALL_S = 2.0


class ChainLLM(llm.LLM[Never]):
    """Ordered members; the first is preferred.

    One that has given no token by its deadline, fails, or answers with garbage is followed by the
    next one. A text that breaks off or stalls in the midst is ended by the next one, from the last
    word on; after a tool call nothing is asked again. If all fail, the stream raises one APIError
    that is not retried: who was there to ask has been asked.
    """

    def __init__(
        self,
        members: Sequence[LLMMember],
        breakers: Breakers | None = None,
        *,
        hedge_s: float | None = None,
        stall_s: float = _STALL_S,
        continues: Mapping[str, Continuing] | None = None,
        on_event: OnEvent = ignore,
    ) -> None:
        """The members stay the caller's to close, after the chain.

        `hedge_s`: the next one is asked too when one has been silent for so long, 0: at once; None:
        only when it has failed. `stall_s`: the longest silence between two tokens,
        or the member's deadline where that is shorter (in a tool call 1 s at least). `continues`: by
        member name, how it goes on from another one's words; INSTRUCTED where nothing is said.
        """
        super().__init__()
        if not members or len({member.name for member in members}) < len(members):
            raise ValueError("a chain needs members, each with a name of its own")
        self.members = tuple(members)
        self.breakers = breakers or Breakers(on_event=on_event)
        self.hedge_s = hedge_s
        self.stall_s = stall_s
        self.on_event = on_event
        self.strays = Strays()
        self.usage_tellers: set[str] = set()
        """Members that have ended an answer with its usage: without it, one is not whole."""
        self._continues = continues or {}
        self._in_use: LLMMember | None = None
        self._failed_turn: dict[str, str] = {}
        """By member name, the caller's words that it last failed to answer."""
        self._prober = Prober(self.members, self.breakers, _probe)
        for engine in self._engines():
            engine.on("metrics_collected", self._forward_metrics)

    @property
    def model(self) -> str:
        return self.in_use.engine.model

    @property
    def provider(self) -> str:
        return self.in_use.engine.provider

    @property
    def in_use(self) -> LLMMember:
        """Who answered last; before that, who would be asked first."""
        if self._in_use is not None:
            return self._in_use
        healthy = (m for m in self.members if self.breakers.of(m.name).may_try())
        return next(healthy, self.members[0])

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> ChainStream:
        """`conn_options.timeout` is the longest wait for the first token, whoever gives it."""
        options = {
            "parallel_tool_calls": parallel_tool_calls,
            "tool_choice": tool_choice,
            "extra_kwargs": extra_kwargs,
        }
        return ChainStream(
            self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options, options=options
        )

    def order(self, chat_ctx: llm.ChatContext) -> Order[llm.LLM[Any]]:
        """For one request. Members whose time has come are probed meanwhile.

        Those that have failed this turn come last: the answer after a tool is a request of its own,
        and an engine that stalled in the call of the tool most often stalls there too.
        """
        self._prober.watch()
        turn = _turn(chat_ctx)
        return Order(
            sorted(
                self.members, key=lambda m: bool(turn) and self._failed_turn.get(m.name) == turn
            ),
            may_try=lambda name: self.breakers.of(name).may_try(),
            is_hopeless=lambda name: self.breakers.of(name).is_forbidden(),
        )

    def how_to_continue(self, member: LLMMember) -> Continuing:
        return self._continues.get(member.name, Continuing.INSTRUCTED)

    def failed(self, member: LLMMember, fault: Fault, chat_ctx: llm.ChatContext) -> None:
        """It has failed this request."""
        self._failed_turn[member.name] = _turn(chat_ctx)
        self.breakers.of(member.name).failed(fault)

    def answers(self, member: LLMMember) -> None:
        self._in_use = member

    async def aclose(self) -> None:
        for engine in self._engines():
            engine.off("metrics_collected", self._forward_metrics)
        await super().aclose()
        await self._prober.aclose()
        await self.strays.aclose()

    async def _prewarm_impl(self) -> None:
        """All members at once, each in a task of its own. One that fails is found out by its turn."""
        for member in self.members:
            try:
                member.engine.prewarm()
            except Exception:
                logger.warning("an engine was not prewarmed", extra={"engine": member.name})

    def _engines(self) -> list[llm.LLM[Any]]:
        return list({id(member.engine): member.engine for member in self.members}.values())

    def _forward_metrics(self, metrics: Any) -> None:
        if not is_probe():
            self.emit("metrics_collected", metrics)


def _turn(chat_ctx: llm.ChatContext) -> str:
    """The id of the caller's last words, which all requests of a turn share; empty if there are none."""
    said = (message for message in reversed(chat_ctx.messages()) if message.role == "user")
    return next((message.id for message in said), "")


async def _probe(engine: llm.LLM[Any]) -> None:
    """One token, then the connection is dropped: no two providers agree on how to ask for one."""
    chat_ctx = llm.ChatContext.empty()
    chat_ctx.add_message(role="user", content="Say: yes.")
    options = dataclasses.replace(DEFAULT_API_CONNECT_OPTIONS, max_retry=0)
    stream = engine.chat(chat_ctx=chat_ctx, conn_options=options)
    try:
        async for chunk in stream:
            if chunk.has_response():
                return
        raise GarbageError("gave an empty answer")
    finally:
        await stream.aclose()
