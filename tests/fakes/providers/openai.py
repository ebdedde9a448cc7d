"""An OpenAI of our own: chat completions, transcriptions, speech, realtime models.

Requests and answers are those of the API's reference as livekit-plugins-openai 1.8.9 and the
`openai` package send and read them.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from livekit.plugins.simulated.recogniser import HeardKind

from .answer import HUGE_BYTES, SOUND, BodyAnswer, Wire, refusal
from .faults import Kind
from .hearing import CodedHearing, Hearings
from .openai_realtime import TOKENS_USED, RealtimeStream
from .openai_speech_to_speech import SpeechSession
from .provider import FakeProvider, Handler, open_socket
from .speech_to_speech import SpeechToSpeech
from .voices import PROMISED_RATE_HZ, WRONG_RATE_HZ, Voice, tone_voice
from .wav import make_wav, read_wav

CHAT, TRANSCRIPTIONS, SPEECH = "chat", "transcriptions", "speech"
REALTIME, SPEECH_TO_SPEECH, KEYS = "realtime", "speech_to_speech", "keys"
"""The services."""
SPEECH_PIECE_S = 0.25

_EVENT_STREAM = "text/event-stream"
_HEAD = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 0, "model": "fake"}

EVENTS = Wire(
    garbage='data: {"id": "chatcmpl-\x00", "choi\n\n',
    huge=lambda: _event({**_HEAD, "choices": [], "padding": "x" * HUGE_BYTES}),
    error=lambda status: _event(_error(status)),
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A tool call."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer to one chat request: a text, tool calls, or both."""

    text: str = ""
    calls: Sequence[Call] = ()


@dataclass(frozen=True, kw_only=True)
class OwnSound:
    """What a server of somebody's own sends for speech, whatever it was asked for; it knows no events."""

    content_type: str
    rate_hz: int
    is_wav: bool


def repeat_last(body: dict[str, Any]) -> Reply:
    """What is answered when nothing is scripted."""
    said = [m["content"] for m in body["messages"] if m["role"] == "user"]
    return Reply(text=f"I heard {said[-1] if said else 'nothing'}.")


@dataclass
class FakeOpenAI(FakeProvider):
    """`api_url` is what `OPENAI_BASE_URL` is set to."""

    replies: deque[Reply] = field(default_factory=deque)
    """Given in this order; `reply` when there are none left."""
    reply: Callable[[dict[str, Any]], Reply] = repeat_last
    """From a request's body."""
    pace_s: float = 0.0
    """Between two tokens."""
    hearing: Hearings = CodedHearing
    voice: Voice = tone_voice
    own_sound: OwnSound | None = None
    """None: as OpenAI does."""
    realtime: SpeechToSpeech = field(default_factory=SpeechToSpeech)
    """The model that hears and speaks by itself."""

    @property
    def api_url(self) -> str:
        return f"{self.url}/v1"

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/v1/models", self._models),
            ("POST", "/v1/chat/completions", self._chat),
            ("POST", "/v1/audio/transcriptions", self._transcription),
            ("POST", "/v1/audio/speech", self._speech),
            ("GET", "/v1/realtime", self._realtime),
        ]

    def has_key(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.key}"

    def error(self, status: int) -> object:
        return _error(status)

    async def _models(self, request: web.Request) -> web.Response:
        await self.admit(request, KEYS)
        return web.json_response({"object": "list", "data": [{"id": "fake", "object": "model"}]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        fault = await self.admit(request, CHAT)
        body = await request.json()
        self.note(request, body)
        if not body.get("messages"):
            return refusal(400, self.error(400))
        reply = self.replies.popleft() if self.replies else self.reply(body)
        answer = await self.body_answer(request, fault, EVENTS, _EVENT_STREAM)
        if answer.has(Kind.EMPTY):
            reply = Reply()
        await self._stream(answer, reply)
        if not answer.is_truncated:
            with_usage = (body.get("stream_options") or {}).get("include_usage")
            await self._end(answer, reply, with_usage=bool(with_usage))
        await answer.finish()
        return answer.response

    async def _stream(self, answer: BodyAnswer, reply: Reply) -> None:
        await answer.send(_chunk({"role": "assistant", "content": ""}))
        for token in tokens(reply.text):
            await answer.send(_chunk({"content": token}))
            await asyncio.sleep(self.pace_s)
        for index, call in enumerate(reply.calls):
            head = {"index": index, "id": f"call_{len(self.asked)}_{index}", "type": "function"}
            function = {"name": call.name, "arguments": ""}
            await answer.send(_chunk({"tool_calls": [{**head, "function": function}]}))
            arguments = json.dumps(call.arguments)
            for part in (arguments[:5], arguments[5:]):
                piece = {"index": index, "function": {"arguments": part}}
                await answer.send(_chunk({"tool_calls": [piece]}))

    async def _end(self, answer: BodyAnswer, reply: Reply, *, with_usage: bool) -> None:
        finish = "tool_calls" if reply.calls else "stop"
        await answer.send(_chunk({}, finish), is_end=True)
        if with_usage:
            count = len(tokens(reply.text)) + 5 * len(reply.calls)
            usage = {"prompt_tokens": 10, "completion_tokens": count, "total_tokens": 10 + count}
            await answer.send(_event({**_HEAD, "choices": [], "usage": usage}), is_end=True)
        await answer.send("data: [DONE]\n\n", is_end=True)

    async def _transcription(self, request: web.Request) -> web.StreamResponse:
        fault = await self.admit(request, TRANSCRIPTIONS)
        form = await request.post()
        upload = form.get("file")
        assert isinstance(upload, web.FileField)
        self.note(request, {name: value for name, value in form.items() if isinstance(value, str)})
        with upload.file as file:
            recording = read_wav(file.read())
        if recording is None:
            return refusal(400, self.error(400))
        ear = self.hearing(recording.rate_hz)
        heard = [*ear.hear(recording.pcm), *ear.flush()]
        text = " ".join(said.text for said in heard if said.kind is HeardKind.FINAL).strip()
        if fault and fault.kind is Kind.EMPTY:
            text = ""
        return await self.json_answer(request, fault, {"text": text, "usage": TOKENS_USED})

    async def _speech(self, request: web.Request) -> web.StreamResponse:
        fault = await self.admit(request, SPEECH)
        body = await request.json()
        self.note(request, body)
        if body.get("response_format") not in ("pcm", "wav"):
            return refusal(400, self.error(400))
        own = self.own_sound
        has_events = body.get("stream_format") == "sse" and own is None
        kind = _EVENT_STREAM if has_events else f"audio/{body['response_format']}"
        kind = own.content_type if own else kind
        answer = await self.body_answer(request, fault, EVENTS if has_events else SOUND, kind)
        for piece in await asyncio.to_thread(self._pieces, body, answer):
            if has_events:
                delta = base64.b64encode(piece).decode()
                await answer.send(_event({"type": "speech.audio.delta", "audio": delta}))
            else:
                await answer.send(piece)
        if has_events:
            done = {"type": "speech.audio.done", "usage": TOKENS_USED}
            await answer.send(_event(done), is_end=True)
        await answer.finish()
        return answer.response

    def _pieces(self, body: dict[str, Any], answer: BodyAnswer) -> list[bytes]:
        if answer.has(Kind.EMPTY):
            return []
        own = self.own_sound
        rate_hz = WRONG_RATE_HZ if answer.has(Kind.WRONG_RATE) else PROMISED_RATE_HZ
        rate_hz = own.rate_hz if own else rate_hz
        sound = self.voice(body["input"], rate_hz).pcm
        if own.is_wav if own else body["response_format"] == "wav":
            sound = make_wav(sound, rate_hz)
        step = round(SPEECH_PIECE_S * rate_hz) * 2
        return [sound[at : at + step] for at in range(0, len(sound), step)]

    async def _realtime(self, request: web.Request) -> web.StreamResponse:
        is_transcription = request.query.get("intent") == "transcription"
        fault = await self.admit(request, REALTIME if is_transcription else SPEECH_TO_SPEECH)
        self.note(request)
        if not is_transcription and not request.query.get("model"):
            return refusal(400, self.error(400))
        ws = await open_socket(request)
        answer = self.socket_answer(request, fault, REALTIME_WIRE, ws)
        if not is_transcription:
            await SpeechSession(answer, self.realtime).serve()
            return ws
        await RealtimeStream(answer, self.hearing(PROMISED_RATE_HZ), self.wait).serve()
        return ws


REALTIME_WIRE = Wire(
    garbage='{"type": "conversation.item.inp\x00',
    huge=lambda: json.dumps({"type": "rate_limits.updated", "padding": "x" * HUGE_BYTES}),
    error=lambda status: json.dumps({"type": "error", **_error(status)}),
)


def tokens(text: str) -> list[str]:
    """Words with the blank in front, as most tokenizers have them."""
    return (
        [part if at == 0 else f" {part}" for at, part in enumerate(text.split(" "))] if text else []
    )


def _error(status: int) -> dict[str, Any]:
    codes = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
    error = {
        "message": f"the test said {status}",
        "type": "server_error" if status >= 500 else "invalid_request_error",
        "param": None,
        "code": codes.get(status),
    }
    return {"error": error}


def _event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content)}\n\n"


def _chunk(delta: dict[str, Any], finish: str | None = None) -> str:
    return _event({**_HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
