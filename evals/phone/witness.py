"""Who sits in a caller's room unseen: tells the simulated recogniser what is said, and writes down what
the room is told."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine, Sequence
from typing import Any

from livekit import api, rtc
from livekit.plugins.simulated import WORDS_TOPIC
from livekit.plugins.speechcore import Word

from evals.phone.bridge import Bridge
from tests.stack.caller import loopback_options
from tests.stack.processes import KEYS

_PREFIX = "phone-"
"""Of the rooms of deploy/sip/dispatch-rule.json."""


async def find_room(client: api.LiveKitAPI, known: Sequence[str] = ()) -> str | None:
    """The room of the call in progress, which is none of the `known` ones."""
    answer = await client.room.list_rooms(api.ListRoomsRequest())
    names = [room.name for room in answer.rooms if room.name.startswith(_PREFIX)]
    return next((name for name in names if name not in known), None)


class Witness:
    """Times are monotonic seconds."""

    def __init__(self, bridge: Bridge, client: api.LiveKitAPI, room: str) -> None:
        self.records: list[dict[str, Any]] = []
        """The agent's turn records, with `received_s`."""
        self.understood: dict[str, tuple[float, str]] = {}
        """By segment: when the caller's words were final, and the words."""
        self.keys: list[tuple[float, str]] = []
        self._bridge = bridge
        self._client = client
        self._name = room
        self._room = rtc.Room()
        self._tasks: set[asyncio.Task[None]] = set()

    async def join(self) -> None:
        grants = api.VideoGrants(
            room_join=True, room=self._name, hidden=True, can_publish=False, can_publish_data=False
        )
        token = api.AccessToken(KEYS.api_key, KEYS.api_secret).with_identity("witness")
        self._room.on("sip_dtmf_received", self._on_key)
        self._room.register_text_stream_handler("parley.turn", self._on_record)
        self._room.register_text_stream_handler("lk.transcription", self._on_words)
        options = loopback_options()
        options.auto_subscribe = False
        await self._room.connect(
            self._bridge.livekit.url, token.with_grants(grants).to_jwt(), options=options
        )

    async def leave(self) -> None:
        await self._room.disconnect()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def announce(self, words: Sequence[Word]) -> None:
        """What the simulated recogniser is going to hear."""
        packet = {"words": [[word.text, word.start_s, word.end_s] for word in words]}
        request = api.SendDataRequest(
            room=self._name, data=json.dumps(packet).encode(), topic=WORDS_TOPIC
        )
        await self._client.room.send_data(request)

    def _on_key(self, event: rtc.SipDTMF) -> None:
        self.keys.append((time.monotonic(), event.digit))

    def _on_record(self, reader: rtc.TextStreamReader, _: str) -> None:
        self._spawn(self._read_record(reader))

    def _on_words(self, reader: rtc.TextStreamReader, identity: str) -> None:
        if not identity.startswith("agent"):
            self._spawn(self._read_words(reader))

    async def _read_record(self, reader: rtc.TextStreamReader) -> None:
        text = await reader.read_all()
        self.records.append(json.loads(text) | {"received_s": time.monotonic()})

    async def _read_words(self, reader: rtc.TextStreamReader) -> None:
        attributes = reader.info.attributes or {}
        segment = attributes.get("lk.segment_id", reader.info.stream_id)
        text = await reader.read_all()
        if attributes.get("lk.transcription_final") == "true":
            self.understood[segment] = (time.monotonic(), text)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
