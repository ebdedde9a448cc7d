"""One session of OpenAI's realtime API with a model that hears and speaks by itself.

Events as the API's reference has them and livekit-agents 1.8.9 sends and reads them. The server hears
sound by its level, answers after a set cost, and speaks as fast as it is told to.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
from collections.abc import Coroutine
from typing import Any

from aiohttp import WSMsgType

from .answer import Gone, SocketAnswer
from .faults import Fault, Kind
from .speech_to_speech import VAD_WINDOW_S, Event, ServerVad, SpeechToSpeech, SpokenReply
from .voices import PROMISED_RATE_HZ

CHUNK_S = 0.1
"""Sound of one delta."""

VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
"""As the API's reference has them; it refuses any other, and all of the update with it."""

_SEMANTIC_SILENCE_S = 0.5
_LEAST_COMMIT_S = 0.1
_FAILS_AFTER_S = 0.5


class SpeechSession:
    """One client's conversation."""

    def __init__(self, answer: SocketAnswer, model: SpeechToSpeech) -> None:
        self._answer = answer
        self._model = model
        self._config: Event = {"type": "realtime", "audio": {"input": {}, "output": {}}}
        self._config["audio"]["output"]["format"] = {"type": "audio/pcm", "rate": model.rate_hz}
        self._numbers = itertools.count(1)
        self._buffer = bytearray()
        self._unjudged = bytearray()
        self._vad: ServerVad | None = None
        self._items: list[Event] = []
        self._sound_ms: dict[str, int] = {}
        self._turn_words = ""
        self._turn = 0
        self._response: asyncio.Task[None] | None = None
        self._response_id = ""
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        self._model.live.append(self._answer)
        self._model.sessions += 1
        try:
            await self._send("session.created", session=self._config)
            async for message in self._answer.socket:
                if message.type is WSMsgType.TEXT:
                    await self._obey(json.loads(message.data))
        finally:
            self._model.live.remove(self._answer)
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _obey(self, event: Event) -> None:
        if event["type"] != "input_audio_buffer.append":
            self._model.asked.append(event)
        match event["type"]:
            case "session.update":
                await self._configure(event)
            case "input_audio_buffer.append":
                await self._hear(base64.b64decode(event["audio"]))
            case "input_audio_buffer.commit":
                await self._commit(event)
            case "input_audio_buffer.clear":
                self._buffer.clear()
                await self._send("input_audio_buffer.cleared")
            case "conversation.item.create":
                await self._add(event["item"], event.get("previous_item_id"))
            case "conversation.item.delete":
                await self._delete(event)
            case "conversation.item.truncate":
                await self._truncate(event)
            case "response.create":
                await self._request(event)
            case "response.cancel":
                await self._cancel("client_cancelled", event)

    async def _configure(self, event: Event) -> None:
        session = event["session"]
        spoken = (session.get("audio") or {}).get("output") or {}
        if spoken.get("voice") not in (None, *VOICES):
            await self._error("invalid_value", event, param="session.audio.output.voice")
            return
        if not 0.25 <= (spoken.get("speed") or 1.0) <= 1.5:
            await self._error("invalid_value", event, param="session.audio.output.speed")
            return
        heard = (session.get("audio") or {}).get("input") or {}
        self._config["audio"]["input"] |= heard
        if "turn_detection" in heard:
            detection = heard["turn_detection"]
            silence_ms = (detection or {}).get("silence_duration_ms")
            silence_s = silence_ms / 1000 if silence_ms else _SEMANTIC_SILENCE_S
            self._vad = ServerVad(silence_s) if detection else None
        for name in ("instructions", "tools", "tool_choice", "model"):
            if name in session:
                self._config[name] = session[name]
        await self._send("session.updated", session=self._config)

    async def _hear(self, pcm: bytes) -> None:
        self._buffer += pcm
        if self._vad is None:
            return
        self._unjudged += pcm
        size = round(VAD_WINDOW_S * PROMISED_RATE_HZ) * 2
        while len(self._unjudged) >= size:
            window = bytes(self._unjudged[:size])
            del self._unjudged[:size]
            change = self._vad.process(window)
            if change == "started":
                await self._send("input_audio_buffer.speech_started", item_id="", audio_start_ms=0)
                await self._cancel("turn_detected", None)
            elif change == "stopped":
                await self._send("input_audio_buffer.speech_stopped", item_id="", audio_end_ms=0)
                await self._take_turn()
                await self._begin_response({}, self._next_reply())

    async def _commit(self, event: Event) -> None:
        if len(self._buffer) < _LEAST_COMMIT_S * PROMISED_RATE_HZ * 2:
            await self._error("input_audio_buffer_commit_empty", event)
        else:
            await self._take_turn()

    async def _take_turn(self) -> None:
        pcm = bytes(self._buffer)
        self._buffer.clear()
        self._model.turns.append(pcm)
        self._turn += 1
        self._turn_words = self._model.understand(pcm)
        item_id = self._new_id("item")
        before = self._items[-1]["id"] if self._items else None
        await self._send("input_audio_buffer.committed", item_id=item_id, previous_item_id=before)
        content = [{"type": "input_audio", "transcript": None}]
        await self._add({"id": item_id, "type": "message", "role": "user", "content": content})
        if self._config["audio"]["input"].get("transcription"):
            self._spawn(self._transcribe(item_id, self._turn_words))

    async def _transcribe(self, item_id: str, words: str) -> None:
        await asyncio.sleep(self._model.transcription_s)
        await self._send(
            "conversation.item.input_audio_transcription.completed",
            item_id=item_id,
            content_index=0,
            transcript=words,
            usage={"type": "duration", "seconds": 1.0},
        )

    async def _add(self, item: Event, after: str | None = None) -> None:
        """An item's id is the client's where it has one. Of places only the end is used."""
        item = {"object": "realtime.item", "status": "completed", **item}
        item.setdefault("id", self._new_id("item"))
        before = self._items[-1]["id"] if self._items else None
        self._items.append(item)
        for kind in ("conversation.item.added", "conversation.item.done"):
            await self._send(kind, item=item, previous_item_id=before)

    async def _delete(self, event: Event) -> None:
        self._items = [item for item in self._items if item["id"] != event["item_id"]]
        await self._send("conversation.item.deleted", item_id=event["item_id"])

    async def _truncate(self, event: Event) -> None:
        """As the real server, it knows how much sound there was to hear."""
        sent_ms = self._sound_ms.get(event["item_id"], 0)
        if event["audio_end_ms"] > sent_ms:
            await self._error("invalid_value", event, f"Audio content of {sent_ms}ms is shorter")
            return
        await self._send(
            "conversation.item.truncated",
            item_id=event["item_id"],
            content_index=0,
            audio_end_ms=event["audio_end_ms"],
        )

    async def _request(self, event: Event) -> None:
        wanted = event.get("response") or {}
        if self._is_responding:
            await self._error("conversation_already_has_active_response", event)
            return
        instructions = wanted.get("instructions")
        if instructions:  # the last line is what it is told to say
            reply = SpokenReply(text=instructions.rsplit("\n", 1)[-1])
        else:
            reply = self._next_reply()
        if reply.refusal is not None:
            await self._error(reply.refusal, event)
        else:
            await self._begin_response(wanted, reply)

    def _next_reply(self) -> SpokenReply:
        last = self._items[-1] if self._items else {}
        if last.get("type") == "function_call_output" and not self._model.replies:
            return SpokenReply(text=last["output"])
        if self._model.replies:
            return self._model.replies.popleft()
        return self._model.reply(self._turn, self._turn_words)

    @property
    def _is_responding(self) -> bool:
        return self._response is not None and not self._response.done()

    async def _begin_response(self, wanted: Event, reply: SpokenReply) -> None:
        self._response_id = self._new_id("resp")
        await self._tell_response("response.created", "in_progress", wanted.get("metadata"))
        self._response = self._spawn(self._respond(reply))

    async def _respond(self, reply: SpokenReply) -> None:
        understanding_s, thinking_s, speaking_s = self._model.costs_s
        await asyncio.sleep(understanding_s + thinking_s)
        if reply.is_mute:
            await asyncio.Event().wait()
        for name, arguments in reply.calls:
            await self._call(name, arguments)
        code = reply.refusal
        if reply.text and code is None:
            code = await self._speak(reply, speaking_s)
        if code is not None:
            details = {"type": "failed", "error": {"type": "server_error", "code": code}}
            await self._tell_response("response.done", "failed", status_details=details)
        else:
            await self._tell_response("response.done", "completed")

    async def _call(self, name: str, arguments: str) -> None:
        item = {
            "id": self._new_id("item"),
            "type": "function_call",
            "call_id": self._new_id("call"),
            "name": name,
        }
        await self._item("response.output_item.added", {**item, "arguments": ""}, "in_progress")
        await self._add({**item, "arguments": ""})
        for piece in (arguments[:5], arguments[5:]):
            kind = "response.function_call_arguments.delta"
            await self._send(kind, item_id=item["id"], call_id=item["call_id"], delta=piece)
        await self._item("response.output_item.done", {**item, "arguments": arguments}, "completed")

    async def _speak(self, reply: SpokenReply, speaking_s: float) -> str | None:
        """The code with which it fails, if it does."""
        item_id = self._new_id("item")
        item = {"id": item_id, "type": "message", "role": "assistant", "content": []}
        await self._item("response.output_item.added", item, "in_progress")
        await self._add(item)
        place = {"item_id": item_id, "output_index": 0, "content_index": 0}
        part = {"type": "audio", "transcript": ""}
        await self._send("response.content_part.added", part=part, **place)
        for at, word in enumerate(reply.text.split(" ")):
            kind = "response.output_audio_transcript.delta"
            await self._send(kind, delta=f" {word}" if at else word, **place)
        await asyncio.sleep(speaking_s)
        if not await self._send_sound(reply, place):
            return reply.failure
        await self._send("response.output_audio.done", **place)
        await self._send("response.output_audio_transcript.done", transcript=reply.text, **place)
        await self._send("response.content_part.done", part=part, **place)
        await self._item("response.output_item.done", item, "completed")
        return None

    async def _send_sound(self, reply: SpokenReply, place: Event) -> bool:
        """False when the response fails in its midst."""
        rate_hz = self._model.rate_hz
        pcm = await asyncio.to_thread(lambda: self._model.voice(reply.text, rate_hz).pcm)
        step = round(CHUNK_S * rate_hz) * 2
        starts: Any = range(0, len(pcm), step)
        sent_s = 0.0
        for start in itertools.cycle(starts) if reply.is_endless else starts:
            if reply.breaks_after_s is not None and sent_s >= reply.breaks_after_s:
                await self._answer.fail(Fault(kind=Kind.DROP))
            if reply.stalls_after_s is not None and sent_s >= reply.stalls_after_s:
                await asyncio.Event().wait()
            if reply.failure is not None and sent_s >= _FAILS_AFTER_S:
                return False
            piece = pcm[start : start + step]
            await self._send(
                "response.output_audio.delta", delta=base64.b64encode(piece).decode(), **place
            )
            sent_s += len(piece) / 2 / rate_hz
            self._sound_ms[place["item_id"]] = round(sent_s * 1000)
            await asyncio.sleep(CHUNK_S / self._model.pace)
        return True

    async def _cancel(self, reason: str, event: Event | None) -> None:
        if not self._is_responding or self._response is None:
            if event is not None:
                await self._error(
                    "response_cancel_not_active", event, "Cancellation failed: no active response"
                )
            return
        self._response.cancel()
        await asyncio.gather(self._response, return_exceptions=True)
        details = {"type": "cancelled", "reason": reason}
        await self._tell_response("response.done", "cancelled", status_details=details)

    async def _tell_response(
        self,
        kind: str,
        status: str,
        metadata: Event | None = None,
        status_details: Event | None = None,
    ) -> None:
        response = {
            "id": self._response_id,
            "object": "realtime.response",
            "status": status,
            "status_details": status_details,
            "output": [],
            "metadata": metadata,
            "usage": None,
        }
        await self._send(kind, response=response)

    async def _item(self, kind: str, item: Event, status: str) -> None:
        await self._send(
            kind, response_id=self._response_id, output_index=0, item={**item, "status": status}
        )

    async def _error(
        self, code: str, event: Event, message: str = "", param: str | None = None
    ) -> None:
        error = {
            "type": "invalid_request_error",
            "code": code,
            "message": message or f"the test said {code}",
            "param": param,
            "event_id": event.get("event_id"),
        }
        await self._send("error", error=error)

    def _new_id(self, what: str) -> str:
        return f"{what}_{id(self):x}_{next(self._numbers)}"

    async def _send(self, kind: str, **values: Any) -> None:
        event = {"type": kind, "event_id": self._new_id("event"), **values}
        await self._answer.send(json.dumps(event))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        async def until_gone() -> None:
            with contextlib.suppress(Gone):
                await work

        task = asyncio.create_task(until_gone(), name="fake-realtime")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
