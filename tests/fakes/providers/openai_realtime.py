"""One stream of OpenAI's realtime transcription."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import WSMsgType
from livekit.plugins.simulated.recogniser import Heard, HeardKind

from .answer import SocketAnswer
from .faults import Kind
from .hearing import Hearing

TOKENS_USED = {"type": "tokens", "input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
"""By any piece of sound."""


class RealtimeStream:
    """Ends segments itself when the session asks for server_vad, else at a commit."""

    def __init__(
        self, answer: SocketAnswer, ear: Hearing, wait: Callable[[], Awaitable[None]]
    ) -> None:
        self._answer = answer
        self._ear = ear
        self._wait = wait
        self._has_vad = False
        self._item = 0
        self._told = ""
        self._is_speaking = False

    async def serve(self) -> None:
        await self._send({"type": "session.created", "session": {"type": "transcription"}})
        async for message in self._answer.socket:
            if message.type is WSMsgType.TEXT:
                await self._obey(json.loads(message.data))

    async def _obey(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "session.update":
                audio = event["session"]["audio"]["input"]
                self._has_vad = audio.get("turn_detection") is not None
                await self._send({"type": "session.updated", "session": event["session"]})
            case "input_audio_buffer.append":
                await self._tell(self._ear.hear(base64.b64decode(event["audio"])))
            case "input_audio_buffer.commit":
                await self._tell(self._ear.flush(), is_commit=True)

    async def _tell(self, heard: Sequence[Heard], *, is_commit: bool = False) -> None:
        for said in heard:
            if said.kind is HeardKind.INTERIM:
                await self._start(said)
                await self._delta(said)
            elif said.kind is HeardKind.FINAL and (is_commit or self._has_vad):
                await self._complete(said)

    async def _start(self, heard: Heard) -> None:
        if self._is_speaking or not self._has_vad:
            return
        self._is_speaking = True
        start_ms = round(heard.words[0].start_s * 1000)
        await self._item_event("input_audio_buffer.speech_started", audio_start_ms=start_ms)

    async def _delta(self, heard: Heard) -> None:
        delta = heard.text.removeprefix(self._told)
        self._told = heard.text
        if not self._answer.has(Kind.EMPTY):
            await self._item_event("conversation.item.input_audio_transcription.delta", delta=delta)

    async def _complete(self, heard: Heard) -> None:
        if self._is_speaking:
            end_ms = round(heard.words[-1].end_s * 1000) if heard.words else 0
            await self._item_event("input_audio_buffer.speech_stopped", audio_end_ms=end_ms)
        await self._item_event("input_audio_buffer.committed")
        await self._wait()
        text = "" if self._answer.has(Kind.EMPTY) else heard.text
        await self._item_event(
            "conversation.item.input_audio_transcription.completed",
            transcript=text,
            usage=TOKENS_USED,
        )
        self._is_speaking, self._told = False, ""
        self._item += 1

    async def _item_event(self, kind: str, **values: Any) -> None:
        await self._send({"type": kind, "item_id": f"item_{self._item}", **values})

    async def _send(self, event: dict[str, Any]) -> None:
        await self._answer.send(json.dumps(event))
