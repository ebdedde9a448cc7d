"""A request for an answer that met another answer at the server is made once more after that one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from livekit.agents import llm, utils

_BUSY = "conversation_already_has_active_response"

Answer = asyncio.Future[llm.GenerationCreatedEvent]


class SecondTry:
    """Of one session's requests. A server that finds turns itself begins answers at any time, so that
    this is no fault of anybody's."""

    def __init__(self) -> None:
        self._idle = asyncio.Event()
        """The server makes no answer."""
        self._idle.set()
        self._trying: dict[asyncio.Task[None], Answer] = {}

    def told(self, event: dict[str, Any]) -> bool:
        """An event came from the server. True while a request waits for the answer it belongs to."""
        kind = str(event.get("type"))
        if kind == "response.created":
            self._idle.clear()
        elif kind == "response.done":
            self._idle.set()
        return kind.startswith("response.") and bool(self._trying)

    def of(self, ask: Callable[[], Answer]) -> Answer:
        """What `ask` gives, at the first or the second time. To cancel it cancels the request."""
        answer: Answer = asyncio.get_running_loop().create_future()
        first = ask()
        first.add_done_callback(partial(self._take, ask, answer))
        answer.add_done_callback(lambda _: first.cancel())
        return answer

    async def aclose(self) -> None:
        """Whoever waits for a second try hears that there is none."""
        trying = dict(self._trying)
        await utils.aio.cancel_and_wait(*trying)
        for answer in trying.values():
            if not answer.done():
                answer.set_exception(llm.RealtimeError("the session is closed"))

    def _take(self, ask: Callable[[], Answer], answer: Answer, first: Answer) -> None:
        if answer.done() or not _met_another(first):
            _give(answer, first)
            return
        trying = asyncio.create_task(self._again(ask, answer), name="realtime-second-try")
        self._trying[trying] = answer
        trying.add_done_callback(self._trying.pop)

    async def _again(self, ask: Callable[[], Answer], answer: Answer) -> None:
        """Without a deadline of its own: whoever asked has one."""
        idle = asyncio.create_task(self._idle.wait(), name="realtime-idle")
        either: set[asyncio.Future[Any]] = {idle, answer}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await utils.aio.cancel_and_wait(idle)
        if not answer.done():
            second = ask()
            second.add_done_callback(partial(_give, answer))
            answer.add_done_callback(lambda _: second.cancel())


def _met_another(asked: Answer) -> bool:
    error = None if asked.cancelled() else asked.exception()
    return isinstance(error, llm.RealtimeError) and error.code == _BUSY


def _give(answer: Answer, asked: Answer) -> None:
    """How one ended is how the other ends."""
    error = None if asked.cancelled() else asked.exception()
    if answer.done():
        return
    if asked.cancelled():
        answer.cancel()
    elif error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(asked.result())
