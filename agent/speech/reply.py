"""One reply on its way: read, cut into clauses, made a few at once, handed on in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from livekit.agents import APIConnectOptions, utils
from livekit.agents.utils.aio import ChanClosed
from livekit.plugins.speechcore.text import ClauseSplitter

from agent.speech.clause import Clause
from agent.speech.maker import ClauseMaker
from agent.speech.voice import Voice

_FIRST_PATIENCE_S = 0.3
"""So long a reply waits for more text before it begins with less than was planned."""


class Reply:
    """Speaks one stream of text. Whatever ends `run()` ends every synthesis of it."""

    def __init__(
        self,
        maker: ClauseMaker,
        conn_options: APIConnectOptions,
        voice: Voice,
        on_start: Callable[[], None],
    ) -> None:
        """`on_start` is called when the first clause goes to the engine."""
        self._maker = maker
        self._planner = maker.planner
        self._conn_options = conn_options
        self._voice = voice
        self._on_start = on_start
        self._splitter = ClauseSplitter()
        self._has_text = False
        self._has_begun = False
        self._unplayed: list[Clause] = []
        self._to_make = utils.aio.Chan[Clause]()
        self._to_play = utils.aio.Chan[Clause]()
        self._making: set[asyncio.Task[None]] = set()

    async def run(self, texts: utils.aio.Chan[Any]) -> None:
        """Takes texts and flushes until `texts` is closed. Raises the APIError of a clause."""
        tasks = [
            asyncio.create_task(self._read(texts), name="reply-read"),
            asyncio.create_task(self._make(), name="reply-make"),
            asyncio.create_task(self._play(), name="reply-play"),
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            await utils.aio.cancel_and_wait(*tasks)
            await utils.aio.cancel_and_wait(*self._making)
        if self._has_text:
            self._voice.finish()

    async def _read(self, texts: utils.aio.Chan[Any]) -> None:
        is_patient = True
        while True:
            try:
                async with asyncio.timeout(self._patience_s() if is_patient else None):
                    text = await texts.recv()
            except TimeoutError:
                self._send(self._splitter.release())
                is_patient = False  # what is left has no end yet, however long one waits
                continue
            except ChanClosed:
                break
            is_patient = True
            if isinstance(text, str):
                self._has_text = True
                self._splitter.push(text)
            else:
                self._splitter.finish()  # livekit lets no text follow a flush
            self._send_complete()
        self._splitter.finish()
        self._send_complete()
        self._to_make.close()
        self._to_play.close()

    def _send_complete(self) -> None:
        while True:
            planner = self._planner
            if self._has_begun:
                self._splitter.length = planner.later_length(self._spare_s())
            else:
                self._splitter.length = planner.first_length()
            if (clause := self._splitter.take()) is None:
                return
            self._send(clause)

    def _send(self, written: str | None) -> None:
        if written is None:
            return
        clause = self._maker.clause(written)
        if clause.spoken and not self._has_begun:
            self._has_begun = True
            self._on_start()
        self._unplayed.append(clause)
        self._to_make.send_nowait(clause)
        self._to_play.send_nowait(clause)

    def _patience_s(self) -> float | None:
        if not self._splitter.has_pending:
            return None
        if not self._has_begun:
            return _FIRST_PATIENCE_S
        return self._planner.patience_s(self._spare_s(), self._splitter.pending_chars)

    def _spare_s(self) -> float:
        """How long there is yet something to play once the engine is free."""
        free_s, ends_s = 0.0, self._voice.left_s()
        for clause in self._unplayed:
            if clause.spoken:
                ready_s = free_s + clause.ready_s(self._planner)
                free_s += clause.work_s(self._planner)
                ends_s = max(ends_s, ready_s) + clause.unplayed_s(self._planner)
        return ends_s - free_s

    async def _make(self) -> None:
        """Starts clauses in order; the first has the engine for itself, so that it sounds soon and
        tells how fast the engine is."""
        is_first = True
        async for clause in self._to_make:
            if clause.is_made:
                continue
            while len(self._making) >= self._planner.parallel:
                await asyncio.wait(self._making, return_when=asyncio.FIRST_COMPLETED)
            making = asyncio.create_task(
                self._maker.make(clause, self._conn_options), name="clause-make"
            )
            self._making.add(making)
            making.add_done_callback(self._making.discard)
            if is_first:
                await asyncio.wait({making})
                is_first = False

    async def _play(self) -> None:
        async for clause in self._to_play:
            await self._voice.play(clause, self._planner)
            self._unplayed.remove(clause)
            if self._unplayed or self._splitter.has_pending:
                self._voice.pause()
