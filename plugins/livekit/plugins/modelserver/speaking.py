"""A text being spoken for a call, on the server: one step of the engine after the other."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator
from typing import Any

from livekit.plugins.speechcore import SpeechChunk, duration_s

from .messages import Fault, FaultKind, SpeakRequest, checked_pcm, chunk_to_payloads
from .protocol import Kind, ProtocolError
from .scheduler import Job, JobKind
from .served import ServedEngine
from .session import Session
from .wire import Wire

WINDOW = 32
"""Chunks on their way that the caller has not used yet: then the engine waits for it."""


class Speaking(Session):
    """SPEAK, MORE and CANCEL in; CHUNK and DONE out.

    A step is due when its speech would be played: at once for a text that somebody waits for, and
    later for one that follows speech still to be played. A caller that does not use what it is sent
    stops the synthesis, not the engine.
    """

    def __init__(
        self,
        number: int,
        engine: ServedEngine,
        wire: Wire,
        request: SpeakRequest,
        *,
        caller: Hashable,
    ) -> None:
        super().__init__(number, engine, wire, caller=caller, timeout_s=request.timeout_s)
        self._request = request
        self._plays_at_s = time.monotonic() + request.lead_s
        """When its first sound is needed."""
        self._made_s = 0.0
        self._sent = 0
        self._used = 0
        self._steps: Iterator[SpeechChunk] | None = None

    def begin(self) -> None:
        wait_s = self._engine.lane.expected_wait_s()
        if wait_s > self._timeout_s:
            sentence = f"{self._engine.name} is behind by {wait_s:.1f} s"
            self.fail(Fault(FaultKind.BUSY, sentence))
        else:
            self.proceed()

    def more(self, used: int) -> None:
        """The caller has used so many chunks altogether."""
        self._used = max(self._used, used)
        self.proceed()

    def proceed(self) -> None:
        is_ahead = self._sent - self._used >= WINDOW
        if self._is_ended or self._job is not None or is_ahead or not self._wire.is_writable:
            return
        needed_s = self._plays_at_s + self._made_s
        kind = JobKind.LATER if needed_s > time.monotonic() else JobKind.FIRST
        self._submit(kind, self._step, needed_s=needed_s, is_first=self._steps is None)

    def _take(self, job: Job, result: Any) -> None:
        if result is None:
            self._wire.send(Kind.DONE, self.number)
            self._end()
            return
        if not self._made_s:
            self._plays_at_s = max(self._plays_at_s, time.monotonic())
        self._send(result)
        self.proceed()

    def _send(self, chunk: SpeechChunk) -> None:
        try:
            checked_pcm(chunk.pcm)
        except ProtocolError as e:
            raise ValueError from e
        for payload in chunk_to_payloads(chunk):
            self._wire.send(Kind.CHUNK, self.number, payload)
            self._sent += 1
        made_s = duration_s(chunk.pcm, self._request.sample_rate_hz)
        self._made_s += made_s
        self._engine.sounded(made_s)

    # What follows runs on the engine's thread.

    def _step(self) -> SpeechChunk | None:
        if self._steps is None:
            request = self._request
            self._steps = iter(self._engine.synthesiser.steps(request.text, request.voicing))
        return next(self._steps, None)

    def _free(self) -> None:
        close = getattr(self._steps, "close", None)
        if close is not None:
            close()
