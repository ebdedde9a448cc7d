"""One caller's connection, on the server: frames in, frames out, and what it may take.

A message is handled on the event loop in the call that receives it, and an answer is written there
too: per direction one hop through the kernel and, with a step, two between threads.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections import deque
from typing import Any, Protocol

from livekit.plugins.speechcore import EngineBusy, EngineError

from .config import Limits
from .hearing import Hearing
from .messages import (
    Fault,
    FaultKind,
    Hello,
    OpenRequest,
    SpeakRequest,
    checked_pcm,
    count_from_payload,
    to_json,
)
from .metrics import DropReason, Refused, ServerMetrics
from .protocol import MAX_PAYLOAD_BYTES, Frame, FrameDecoder, Kind, ProtocolError, encode
from .served import ServedEngine, fault_of
from .session import Session
from .speaking import Speaking

logger = logging.getLogger(__package__)

_FRAMES_AT_ONCE = 64
"""Handled before other callers have their turn."""

_GREETING_BYTES = 4096
"""The largest frame of somebody who has not shown the token."""

_PARTING_S = 0.5
_HIGH_WATER_BYTES = 256 << 10
"""Unread output from which on no more speech is made for the caller."""

_END_OF = (Kind.CLOSE, Kind.CANCEL)
_SESSION_FRAMES = (Kind.AUDIO, Kind.FLUSH, Kind.MORE, *_END_OF)


class Host(Protocol):
    """What a connection needs of its server."""

    limits: Limits
    metrics: ServerMetrics
    token: str

    def refusal(self, connection: Connection) -> str:
        """Why this caller gets nothing new now; empty when it may."""
        ...

    def find(self, name: str, kind: str, sample_rate_hz: int) -> ServedEngine:
        """Raises EngineError when there is no such engine, EngineBusy when sessions are too many."""
        ...

    def describe(self) -> dict[str, Any]: ...

    def joined(self, connection: Connection) -> None: ...

    def left(self, connection: Connection) -> None: ...

    def session_ended(self) -> None: ...


class Connection(asyncio.Protocol):
    """See `Wire`. Its own protocol errors, slowness and death end it and its sessions, nothing else."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._limits = host.limits
        self._decoder = FrameDecoder(max_payload_bytes=_GREETING_BYTES)
        self._frames: deque[Frame] = deque()
        self._sessions: dict[int, Session] = {}
        self._transport: asyncio.Transport | None = None
        self.is_greeted = False
        """It has shown the token."""
        self._is_writable = True
        self._timers: dict[str, asyncio.TimerHandle] = {}

    @property
    def is_writable(self) -> bool:
        return self._is_writable

    @property
    def session_count(self) -> int:
        return len(self._sessions)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        self._drop_after("silent", self._limits.hello_s, "it did not greet in time")
        self._host.joined(self)
        if refusal := self._host.refusal(self):
            self._refuse(0, "connection", refusal)
            transport.close()

    def data_received(self, data: bytes) -> None:
        try:
            frames = self._decoder.feed(data)
        except ProtocolError as e:
            self._drop("protocol", str(e))
            return
        if frames or not self._decoder.is_in_frame:
            self._stop_timer("frame")
        if self._decoder.is_in_frame and "frame" not in self._timers:
            self._drop_after("frame", self._limits.frame_s, "it began a frame and did not end it")
        self._frames.extend(frames)
        self._handle_some()

    def pause_writing(self) -> None:
        self._is_writable = False
        self._drop_after("slow", self._limits.slow_reader_s, "it does not read what it is sent")

    def resume_writing(self) -> None:
        self._is_writable = True
        self._stop_timer("slow")
        for session in tuple(self._sessions.values()):
            session.proceed()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        for name in tuple(self._timers):
            self._stop_timer(name)
        self._frames.clear()
        for session in tuple(self._sessions.values()):
            session.cancel()
        self._host.left(self)

    # What sessions and the server call.

    def send(self, kind: Kind, session: int, payload: bytes = b"") -> None:
        """Writes a frame, or nothing when the caller is gone."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(encode(kind, session, payload))
        if self._transport.get_write_buffer_size() > self._limits.unread_bytes:
            self._abort("slow", "it leaves too much unread")

    def ended(self, session: int) -> None:
        self._sessions.pop(session, None)
        self._host.session_ended()

    def close(self, fault: Fault) -> None:
        """Says why, then closes; without saying it when it cannot be written soon."""
        self.send(Kind.ERROR, 0, fault.to_payload())
        if self._transport is not None:
            self._transport.close()
            loop = asyncio.get_running_loop()
            self._timers["close"] = loop.call_later(_PARTING_S, self._transport.abort)

    # Frames.

    def _handle_some(self) -> None:
        """Some frames; the others after other callers' turn, and until then nothing is read."""
        for _ in range(min(_FRAMES_AT_ONCE, len(self._frames))):
            frame = self._frames.popleft()
            try:
                self._handle(frame)
            except ProtocolError as e:
                self._drop("protocol", str(e))
            if self._transport is None or self._transport.is_closing():
                self._frames.clear()
                return
        assert self._transport is not None
        if self._frames:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._handle_rest)
        else:
            self._transport.resume_reading()

    def _handle_rest(self) -> None:
        if self._transport is not None:
            self._handle_some()

    def _handle(self, frame: Frame) -> None:
        if not self.is_greeted:
            self._greet(frame)
            return
        self._expect_news()
        match frame.kind:
            case Kind.PING:
                self.send(Kind.PONG, 0, frame.payload)
            case Kind.STATUS:
                self.send(Kind.STATUS, frame.session, to_json(self._host.describe()))
            case Kind.OPEN | Kind.SPEAK:
                self._begin(frame)
            case kind if kind in _SESSION_FRAMES:
                # One for a session that is gone was on its way when it ended.
                if session := self._sessions.get(frame.session):
                    self._handle_of(session, frame)
            case kind:
                raise ProtocolError(f"a caller does not send {kind.name}")

    def _handle_of(self, session: Session, frame: Frame) -> None:
        try:
            match frame.kind, session:
                case Kind.AUDIO, Hearing():
                    session.audio(checked_pcm(frame.payload))
                case Kind.FLUSH, Hearing():
                    session.flush()
                case Kind.MORE, Speaking():
                    session.more(count_from_payload(frame.payload))
                case kind, _ if kind in _END_OF:
                    session.cancel()
                case kind, _:
                    raise ProtocolError(f"{kind.name} does not belong to this session")
        except ProtocolError as e:
            session.fail(Fault(FaultKind.PROTOCOL, str(e)))

    def _greet(self, frame: Frame) -> None:
        if frame.kind is not Kind.HELLO:
            raise ProtocolError("the first frame must be HELLO")
        given = Hello.from_payload(frame.payload).token
        token = self._host.token
        if token and not hmac.compare_digest(given.encode(), token.encode()):
            raise ProtocolError("the token is not the server's: set AGENT_MODELSERVER_TOKEN alike")
        self.is_greeted = True
        self._decoder.max_payload_bytes = MAX_PAYLOAD_BYTES
        self._expect_news()
        self.send(Kind.READY, 0, to_json(self._host.describe()))

    def _begin(self, frame: Frame) -> None:
        """A new session; what is wrong with it ends it alone."""
        number = frame.session
        if number == 0 or number in self._sessions:
            raise ProtocolError(f"session {number} cannot be begun")
        try:
            if refusal := self._host.refusal(self):
                raise EngineBusy(refusal)
            if len(self._sessions) >= self._limits.sessions_per_connection:
                raise EngineBusy("this caller has as many sessions as one may have")
            session = self._admitted(frame)
        except ProtocolError as e:
            self.send(Kind.ERROR, number, Fault(FaultKind.PROTOCOL, str(e)).to_payload())
        except EngineBusy as e:
            self._refuse(number, "session", str(e))
        except EngineError as e:
            self.send(Kind.ERROR, number, fault_of(e).to_payload())
        else:
            self._sessions[number] = session
            session.begin()

    def _admitted(self, frame: Frame) -> Hearing | Speaking:
        number, host = frame.session, self._host
        if frame.kind is Kind.OPEN:
            request = OpenRequest.from_payload(frame.payload)
            engine = host.find(request.engine, "stt", request.sample_rate_hz)
            waiting_s = self._limits.waiting_audio_s
            hearing = Hearing(number, engine, self, request, waiting_audio_s=waiting_s)
            engine.admit(hearing)
            return hearing
        text = SpeakRequest.from_payload(frame.payload)
        engine = host.find(text.engine, "tts", text.sample_rate_hz)
        engine.admit(self)
        return Speaking(number, engine, self, text, caller=self)

    def _refuse(self, session: int, what: Refused, sentence: str) -> None:
        self._host.metrics.refused.labels(what).inc()
        self.send(Kind.AT_CAPACITY, session, Fault(FaultKind.BUSY, sentence).to_payload())

    # The end.

    def _drop(self, reason: DropReason, sentence: str) -> None:
        """The caller's fault: tells it, and closes."""
        self._note_drop(reason, sentence)
        self.close(Fault(FaultKind.PROTOCOL, sentence))

    def _abort(self, reason: DropReason, sentence: str) -> None:
        self._note_drop(reason, sentence)
        if self._transport is not None:
            self._transport.abort()

    def _note_drop(self, reason: DropReason, sentence: str) -> None:
        self._host.metrics.dropped.labels(reason).inc()
        logger.warning("a caller was cut off", extra={"reason": sentence})

    def _expect_news(self) -> None:
        self._drop_after("silent", self._limits.silent_s, "it has been silent for too long")

    def _drop_after(self, name: DropReason, delay_s: float, sentence: str) -> None:
        self._stop_timer(name)
        loop = asyncio.get_running_loop()
        self._timers[name] = loop.call_later(delay_s, self._abort, name, sentence)

    def _stop_timer(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()
