"""Where a reply's clauses become one sound."""

from __future__ import annotations

import asyncio

from livekit.agents import tts
from livekit.agents.types import TimedString
from livekit.plugins.speechcore import duration_s
from livekit.plugins.speechcore.text import pause_after_ms

from agent.speech.clause import Clause
from agent.speech.edges import silence
from agent.speech.planner import ClausePlanner

_UNPRONOUNCEABLE_MS = 20.0


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
