"""A recogniser session of a call, on the server.

Sound is fed to the session at once, on the event loop (microseconds), where the session can take it
without decoding; decoding is a step of the engine's queue. A session that cannot gets all the sound
that waits in one step.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from livekit.plugins.speechcore import (
    BYTES_PER_SAMPLE,
    PartialSession,
    RecogniserSession,
    Transcript,
    duration_s,
)

from .messages import Fault, FaultKind, OpenRequest, transcript_to_payload
from .protocol import Kind
from .scheduler import Job, JobKind
from .served import Decodable, ServedEngine, fault_of
from .session import Session
from .wire import Wire


class Hearing(Session):
    """OPEN, AUDIO, FLUSH and CLOSE in; TRANSCRIPT and FINAL out.

    Sound that comes between a FLUSH and its FINAL belongs to the next segment. More than
    `waiting_audio_s` of unheard sound ends the session: its engine will not catch up.
    """

    def __init__(
        self,
        number: int,
        engine: ServedEngine,
        wire: Wire,
        request: OpenRequest,
        *,
        waiting_audio_s: float,
    ) -> None:
        super().__init__(number, engine, wire, caller=self, timeout_s=request.timeout_s)
        self._language = request.language
        self._rate_hz = request.sample_rate_hz
        self._most_unheard_bytes = round(waiting_audio_s * self._rate_hz) * BYTES_PER_SAMPLE
        self._session: RecogniserSession | None = None
        self._in_use = threading.Lock()
        """Held by a step while it runs, and by the event loop while it feeds."""
        self._unheard: deque[bytes] = deque()
        self._received_bytes = 0
        self._heard_bytes = 0
        self._next_segment: list[bytes] = []
        self._is_flushing = False
        self._sent: Transcript | None = None

    def begin(self) -> None:
        self._submit(JobKind.OPEN, self._open, is_first=True)

    def audio(self, pcm: bytes) -> None:
        """Takes sound from the caller."""
        self._received_bytes += len(pcm)
        self._engine.sounded(duration_s(pcm, self._rate_hz))
        if self._received_bytes - self._heard_bytes > self._most_unheard_bytes:
            self.fail(
                Fault(FaultKind.BUSY, f"{self._engine.name} does not keep up with the caller")
            )
            return
        if self._is_flushing:
            self._next_segment.append(pcm)
        else:
            self._unheard.append(pcm)
            self.proceed()

    def flush(self) -> None:
        """The caller wants the final text of what it has sent."""
        if self._is_flushing:
            self.fail(Fault(FaultKind.PROTOCOL, "a flush came before the answer to the last"))
            return
        self._is_flushing = True
        self.proceed()

    def proceed(self) -> None:
        if self._session is None or self._is_ended:
            return
        if self._is_flushing:
            self._ask_for_final()
        elif not hasattr(self._session, "feed"):
            if self._job is None and self._unheard:
                self._submit(JobKind.AUDIO, self._accept)
        elif self._feed_now() and self._job is None:
            item = Decodable(cast(PartialSession, self._session), self._in_use)
            self._submit(JobKind.PARTIAL, self._decode, batch=self._engine.batch(item))

    def _ask_for_final(self) -> None:
        if self._job is not None and self._job.kind is JobKind.FINAL:
            return
        replaced = self._submit(JobKind.FINAL, self._finish)
        if replaced is not None and replaced.kind is JobKind.PARTIAL:
            self._engine.metrics.skipped.labels(self._engine.name).inc()

    def _feed_now(self) -> bool:
        """Feeds what waits, unless a step runs (then it is fed after it); whether a decode is due."""
        if not self._in_use.acquire(blocking=False):
            return False
        try:
            self._feed()
            return cast(PartialSession, self._session).is_due
        except Exception as e:
            self.fail(fault_of(e))
            return False
        finally:
            self._in_use.release()

    def _take(self, job: Job, result: Any) -> None:
        match job.kind:
            case JobKind.FINAL:
                self._wire.send(Kind.FINAL, self.number, transcript_to_payload(result))
                self._sent = None
                self._is_flushing = False
                self._unheard.extend(self._next_segment)
                self._next_segment.clear()
            case JobKind.PARTIAL | JobKind.AUDIO if self._is_flushing:
                self._engine.metrics.skipped.labels(self._engine.name).inc()
            case JobKind.PARTIAL | JobKind.AUDIO if result != self._sent:
                self._wire.send(Kind.TRANSCRIPT, self.number, transcript_to_payload(result))
                self._sent = result
        self.proceed()

    # What follows runs on the engine's thread.

    def _open(self) -> None:
        self._session = self._engine.recogniser.open(language=self._language)

    def _accept(self) -> Transcript:
        return self._using(lambda session: session.accept(self._take_unheard()))

    def _decode(self) -> Transcript:
        return self._using(lambda session: cast(PartialSession, session).decode())

    def _finish(self) -> Transcript:
        return self._using(self._feed_and_finish)

    def _feed_and_finish(self, session: RecogniserSession) -> Transcript:
        self._feed()
        return session.finish()

    def _free(self) -> None:
        if self._session is not None:
            self._session.close()

    def _using(self, step: Callable[[RecogniserSession], Transcript]) -> Transcript:
        assert self._session is not None
        with self._in_use:
            return step(self._session)

    # What follows runs wherever `_in_use` is held.

    def _feed(self) -> None:
        if not (pcm := self._take_unheard()):
            return
        if hasattr(self._session, "feed"):
            cast(PartialSession, self._session).feed(pcm)
        else:
            cast(RecogniserSession, self._session).accept(pcm)

    def _take_unheard(self) -> bytes:
        pieces = []
        while self._unheard:
            pieces.append(self._unheard.popleft())
        pcm = b"".join(pieces)
        self._heard_bytes += len(pcm)
        return pcm
