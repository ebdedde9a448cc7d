"""One reply on its way: read, cut into clauses, made a few at once, handed on in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from livekit.agents import APIConnectOptions, tts, utils
from livekit.agents.types import TimedString
from livekit.agents.utils.aio import ChanClosed
from livekit.plugins.speechcore import duration_s

from agent.speech.clause import Clause
from agent.speech.clauses import ClauseSplitter
from agent.speech.edges import pause_after_ms, silence
from agent.speech.maker import ClauseMaker
from agent.speech.planner import ClausePlanner

_UNPRONOUNCEABLE_MS = 20.0
_FIRST_PATIENCE_S = 0.3
"""So long a reply waits for more text before it begins with less than was planned."""


class Voice:
    """Hands clauses on to be played, with the pauses between them."""

    def __init__(self, emitter: tts.AudioEmitter, sample_rate_hz: int) -> None:
        self._emitter = emitter
        self._sample_rate_hz = sample_rate_hz
        self._pause_ms = 0.0
        self._sent_s = 0.0
        self._ends_s = 0.0

    def left_s(self) -> float:
        """How long what was handed on will yet sound, played without delay."""
        return max(0.0, self._ends_s - asyncio.get_running_loop().time())

    async def play(self, clause: Clause, planner: ClausePlanner) -> None:
        """Returns when all of the clause was handed on. Raises why it is not whole.

        A clause that is made slower than it is spoken is held until it can be spoken to its end.
        """
        held = b""
        async for pcm in clause.pieces:
            held += pcm
            ready_s = clause.unplayed_s(planner) + self.left_s()
            if clause.played_s or clause.work_s(planner) <= ready_s:
                self._speak(clause, held)
                held = b""
        self._speak(clause, held)
        if clause.error is not None:
            raise clause.error
        if clause.played_s:
            self._pause_ms = pause_after_ms(clause.written)
        else:
            self._write(clause)

    def pause(self) -> None:
        """The pause behind the last clause, once. Early, it bridges the wait for the next one."""
        self._push(silence(self._pause_ms, self._sample_rate_hz))
        self._pause_ms = 0.0

    def finish(self) -> None:
        """livekit takes no audio at all for a failure: text without sound is a little silence."""
        if not self._sent_s:
            self._push(silence(_UNPRONOUNCEABLE_MS, self._sample_rate_hz))

    def _speak(self, clause: Clause, pcm: bytes) -> None:
        if pcm and not clause.played_s:
            self.pause()
            self._write(clause)
        clause.played_s += self._push(pcm)

    def _write(self, clause: Clause) -> None:
        self._emitter.push_timed_transcript(TimedString(clause.written, start_time=self._sent_s))

    def _push(self, pcm: bytes) -> float:
        if not pcm:
            return 0.0
        self._emitter.push(pcm)
        length_s = duration_s(pcm, self._sample_rate_hz)
        self._sent_s += length_s
        self._ends_s = max(self._ends_s, asyncio.get_running_loop().time()) + length_s
        return length_s


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
