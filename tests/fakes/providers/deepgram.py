"""A Deepgram of our own: live and recorded listening v1 (Nova) and v2 (Flux), and the key check.

The messages are those of developers.deepgram.com as livekit-plugins-deepgram 1.8.9 reads them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web
from livekit.plugins.simulated.recogniser import Heard, HeardKind
from livekit.plugins.speechcore import Word

from .answer import HUGE_BYTES, SocketAnswer, Wire, refusal
from .faults import Fault, Kind
from .hearing import CodedHearing, Hearing, Hearings
from .provider import FakeProvider, Handler, open_socket
from .wav import read_wav

LISTEN, KEYS = "listen", "keys"
"""The services: a request to the first is one connection of one stream."""
EAGER, SURE = 0.5, 0.9
"""How sure Flux is of a turn's end."""
_CONFIDENCE = {"EagerEndOfTurn": EAGER, "EndOfTurn": SURE}
REQUEST_ID = "5a1e0000-fa4e-4000-8000-000000000001"

WIRE = Wire(
    garbage='{"type": "Results", "channel": {"alternat\x00',
    huge=lambda: json.dumps({"type": "Metadata", "padding": "x" * HUGE_BYTES}),
    error=lambda status: json.dumps(
        {"type": "Error", "code": f"HTTP_{status}", "description": f"the test said {status}"}
    ),
)


@dataclass
class FakeDeepgram(FakeProvider):
    """`api_url` is what `DEEPGRAM_BASE_URL` is set to."""

    hearing: Hearings = CodedHearing
    messages: list[dict[str, Any]] = field(default_factory=list)
    """The control messages that came."""
    heard_s: float = 0.0
    """Of audio, over all streams."""

    @property
    def api_url(self) -> str:
        return self.url

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/v1/listen", self._nova),
            ("POST", "/v1/listen", self._recorded),
            ("GET", "/v2/listen", self._flux),
            ("GET", "/v1/auth/token", self._token),
        ]

    def has_key(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Token {self.key}"

    def error(self, status: int) -> object:
        codes = {401: "INVALID_AUTH", 403: "FORBIDDEN", 429: "TOO_MANY_REQUESTS"}
        return {
            "err_code": codes.get(status, "INTERNAL_SERVER_ERROR"),
            "err_msg": f"the test said {status}",
            "request_id": REQUEST_ID,
        }

    async def _token(self, request: web.Request) -> web.Response:
        await self.admit(request, KEYS)
        return web.json_response({"api_key_id": "fake", "scopes": ["usage:write"]})

    async def _nova(self, request: web.Request) -> web.WebSocketResponse:
        fault = await self.admit(request, LISTEN)
        self._check(request)
        return await self._listen(request, _Nova, fault)

    async def _flux(self, request: web.Request) -> web.WebSocketResponse:
        fault = await self.admit(request, LISTEN)
        self._check(request)
        return await self._listen(request, _Flux, fault)

    def _check(self, request: web.Request) -> None:
        """Refuses what the real one would."""
        self.note(request)
        query = request.query
        if query.get("encoding") != "linear16" or not query.get("sample_rate", "").isdigit():
            raise web.HTTPBadRequest
        if ("flux" in query.get("model", "")) != request.path.startswith("/v2"):
            raise web.HTTPBadRequest

    async def _listen(
        self, request: web.Request, protocol: type[_Nova | _Flux], fault: Fault | None
    ) -> web.WebSocketResponse:
        ws = await open_socket(request)
        answer = self.socket_answer(request, fault, WIRE, ws)
        rate_hz = int(request.query["sample_rate"])
        stream = protocol(answer, dict(request.query), self.hearing(rate_hz))
        await stream.begin()
        async for message in ws:
            if message.type is WSMsgType.BINARY:
                self.heard_s += len(message.data) / 2 / rate_hz
                await self._tell(stream, stream.ear.hear(message.data))
            elif message.type is WSMsgType.TEXT:
                control = json.loads(message.data)
                self.messages.append(control)
                await stream.obey(control)
                if control["type"] == "CloseStream":
                    await ws.close()
        return ws

    async def _tell(self, stream: _Nova | _Flux, heard: Sequence[Heard]) -> None:
        for said in heard:
            if said.kind is HeardKind.FINAL:
                await self.wait()
            await stream.tell(said)

    async def _recorded(self, request: web.Request) -> web.StreamResponse:
        fault = await self.admit(request, LISTEN)
        self.note(request)
        recording = read_wav(await request.read())
        if recording is None:
            return refusal(400, self.error(400))
        ear = self.hearing(recording.rate_hz)
        heard = [*ear.hear(recording.pcm), *ear.flush()]
        words = tuple(word for said in heard if said.kind is HeardKind.FINAL for word in said.words)
        if fault and fault.kind is Kind.EMPTY:
            words = ()
        channel = {"alternatives": [_alternative(words)], "detected_language": "en"}
        body = {"metadata": {"request_id": REQUEST_ID}, "results": {"channels": [channel]}}
        return await self.json_answer(request, fault, body)


class _Stream:
    """One connection's way of telling what was heard."""

    def __init__(self, answer: SocketAnswer, query: dict[str, str], ear: Hearing) -> None:
        self.ear = ear
        self._answer = answer
        self._query = query

    async def begin(self) -> None: ...

    async def tell(self, heard: Heard) -> None:
        raise NotImplementedError

    async def obey(self, control: dict[str, Any]) -> None:
        raise NotImplementedError

    def _words(self, heard: Heard) -> tuple[Word, ...]:
        return () if self._answer.has(Kind.EMPTY) else heard.words

    async def _send(self, message: dict[str, Any], *, is_end: bool = False) -> None:
        await self._answer.send(json.dumps(message), is_end=is_end)


class _Nova(_Stream):
    """v1: interim and final results of segments."""

    _is_speaking = False

    async def tell(self, heard: Heard, *, is_finalized: bool = False) -> None:
        if heard.kind is HeardKind.PREFLIGHT:
            return
        is_final = heard.kind is HeardKind.FINAL
        if not is_final and self._query.get("interim_results") != "true":
            return
        if heard.words and not self._is_speaking and self._query.get("vad_events") == "true":
            self._is_speaking = True
            await self._send({"type": "SpeechStarted", "channel": [0], "timestamp": 0.0})
        if is_final:
            self._is_speaking = False
        words = self._words(heard)
        start_s = words[0].start_s if words else 0.0
        await self._send(
            {
                "type": "Results",
                "channel_index": [0, 1],
                "start": start_s,
                "duration": (words[-1].end_s - start_s) if words else 0.0,
                "is_final": is_final,
                "speech_final": is_final,
                "from_finalize": is_finalized,
                "channel": {"alternatives": [_alternative(words)]},
                "metadata": {"request_id": REQUEST_ID, "model_info": {"name": "fake"}},
            }
        )

    async def obey(self, control: dict[str, Any]) -> None:
        if control["type"] in ("Finalize", "CloseStream"):
            for heard in self.ear.flush():
                await self.tell(heard, is_finalized=control["type"] == "Finalize")
        if control["type"] == "CloseStream":
            await self._send({"type": "Metadata", "request_id": REQUEST_ID}, is_end=True)


class _Flux(_Stream):
    """v2: turns, with an eager end where one is asked for."""

    def __init__(self, answer: SocketAnswer, query: dict[str, str], ear: Hearing) -> None:
        super().__init__(answer, query, ear)
        self._turn = 0
        self._sequence = 0
        self._is_in_turn = False
        self._is_awaiting_end = False

    async def begin(self) -> None:
        await self._number({"type": "Connected"})

    async def tell(self, heard: Heard) -> None:
        if heard.kind is HeardKind.INTERIM:
            if self._is_awaiting_end:
                self._is_awaiting_end = False
                await self._turn_info("TurnResumed", heard)
            event = "Update" if self._is_in_turn else "StartOfTurn"
            self._is_in_turn = True
            await self._turn_info(event, heard)
        elif heard.kind is HeardKind.PREFLIGHT:
            if "eager_eot_threshold" in self._query:
                self._is_awaiting_end = True
                await self._turn_info("EagerEndOfTurn", heard)
        elif self._is_in_turn:
            await self._turn_info("EndOfTurn", heard)
            self._is_in_turn = self._is_awaiting_end = False
            self._turn += 1

    async def obey(self, control: dict[str, Any]) -> None:
        if control["type"] == "CloseStream":
            for heard in self.ear.flush():
                await self.tell(heard)
        elif control["type"] == "Configure":
            await self._number({"type": "ConfigureSuccess"})

    async def _turn_info(self, event: str, heard: Heard) -> None:
        words = self._words(heard)
        await self._number(
            {
                "type": "TurnInfo",
                "event": event,
                "turn_index": self._turn,
                "audio_window_start": words[0].start_s if words else 0.0,
                "audio_window_end": words[-1].end_s if words else 0.0,
                "transcript": _text(words),
                "words": [_word(word) for word in words],
                "end_of_turn_confidence": _CONFIDENCE.get(event, 0.1),
            }
        )

    async def _number(self, message: dict[str, Any]) -> None:
        numbered = {"request_id": REQUEST_ID, "sequence_id": self._sequence, **message}
        self._sequence += 1
        await self._send(numbered)


def _alternative(words: Sequence[Word]) -> dict[str, Any]:
    listed = [{**_word(word), "punctuated_word": word.text} for word in words]
    return {"transcript": _text(words), "confidence": 0.98 if words else 0.0, "words": listed}


def _word(word: Word) -> dict[str, Any]:
    times = {"start": round(word.start_s, 3), "end": round(word.end_s, 3)}
    return {"word": word.text, "confidence": 0.98, **times}


def _text(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)
