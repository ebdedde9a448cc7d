"""What the people in a room send to the agent beside their voice: text, keys of a telephone, and data
for the simulated engines. Within bounds: what is too long or comes too often is dropped, and the
sender told. A text with an id is acknowledged, and answered once however often it comes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession, room_io, utils

from agent.keypad import Keypad
from agent.receipts import SeenTexts, TextId
from agent.room_messages import SIMULATED_WORDS_TOPIC, send_receipt
from agent.token_bucket import TokenBucket

logger = logging.getLogger(__name__)

TEXT_TOPIC = "lk.chat"
"""LiveKit's own, on which its pages and apps send what is typed."""

LONGEST_TEXT = 2_000
"""Characters of one message; a minute of typing and two of reading aloud."""
READ_S = 10.0
"""For a message to come whole."""
LONGEST_DATA_BYTES = 15_000
"""Of one packet; what livekit's own clients send at most."""

TOO_LONG = f"Messages may have {LONGEST_TEXT} characters at most."
TOO_FAST = "Messages come too fast: please wait for the answer."


class RoomInputs:
    """Listens to one room, from `attach()` to `aclose()`."""

    def __init__(
        self,
        room: rtc.Room,
        *,
        is_caller: Callable[[str], bool],
        on_text: Callable[[str, rtc.RemoteParticipant, rtc.TextStreamInfo], Awaitable[None]],
        on_first_key: Callable[[], None],
        on_number: Callable[[str], Awaitable[None]],
        on_words: Callable[[bytes], None] | None,
        tell: Callable[[str, str], None],
        acknowledge: Callable[[str, str], Coroutine[Any, Any, None]],
        begun: asyncio.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`is_caller`: whether this is who the agent listens to; others' text and keys are dropped.
        Text and numbers wait for `begun`: the agent is there before its session runs.
        `on_first_key` and `on_number`: as in Keypad. `on_words` takes data packets and raises ValueError
        for what they should not hold; None drops them. `tell` tells the room a code and a sentence,
        `acknowledge` a participant that the agent has their text of this id."""
        self._room = room
        self._is_caller = is_caller
        self._on_text = on_text
        self._on_number = on_number
        self._on_words = on_words
        self._tell = tell
        self._acknowledge = acknowledge
        self._begun = begun
        self._clock = clock
        self._keypad = Keypad(on_first_key, self._on_whole_number)
        self._texts = TokenBucket(per_s=0.5, burst=5)
        self._data = TokenBucket(per_s=20, burst=40)
        self._refusals = TokenBucket(per_s=0.2, burst=3)
        self._repeats = TokenBucket(per_s=1, burst=5)
        self._seen = SeenTexts()
        self._reading: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[None]] = set()

    def attach(self) -> None:
        self._room.register_text_stream_handler(TEXT_TOPIC, self._on_stream)
        self._room.on("data_received", self._on_data)
        self._room.on("sip_dtmf_received", self._on_key)

    async def aclose(self) -> None:
        """Twice is fine."""
        self._room.unregister_text_stream_handler(TEXT_TOPIC)
        self._room.off("data_received", self._on_data)
        self._room.off("sip_dtmf_received", self._on_key)
        self._keypad.close()
        tasks = self._answering | ({self._reading} if self._reading else set())
        await utils.aio.cancel_and_wait(*tasks)

    def _refuse(self, code: str, sentence: str) -> None:
        """Tells the room, unless it was told too often: refusals must not multiply what is sent."""
        if self._refusals.take(self._clock()):
            self._tell(code, sentence)

    def _on_stream(self, reader: rtc.TextStreamReader, identity: str) -> None:
        # A reader that nobody reads would be kept: it has to be closed.
        participant = self._room.remote_participants.get(identity)
        text_id = TextId.of(identity, reader.info.attributes)
        if participant is None or not self._is_caller(identity):
            reader.close()
        elif text_id is not None and text_id in self._seen:
            reader.close()
            self._on_repeat(text_id)
        elif (self._reading and not self._reading.done()) or not self._texts.take(self._clock()):
            reader.close()
            self._refuse("too_fast", TOO_FAST)
        else:
            self._seen.begin(text_id)
            self._reading = self._spawn(self._read(reader, participant, text_id))

    def _on_repeat(self, text_id: TextId) -> None:
        """One that is still on its way is acknowledged when it is taken."""
        if self._seen.is_taken(text_id) and self._repeats.take(self._clock()):
            self._answering.add(self._spawn(self._acknowledge(*text_id)))

    async def _read(
        self,
        reader: rtc.TextStreamReader,
        participant: rtc.RemoteParticipant,
        text_id: TextId | None,
    ) -> None:
        text = await self._whole(reader)
        if text.strip():
            self._answer(partial(self._take, text, participant, reader.info, text_id))
        else:
            self._seen.forget(text_id)

    async def _whole(self, reader: rtc.TextStreamReader) -> str:
        """Empty for a text that is refused or breaks off."""
        text = ""
        try:
            async with asyncio.timeout(READ_S):
                async for piece in reader:
                    text += piece
                    if len(text) > LONGEST_TEXT:
                        self._refuse("too_long", TOO_LONG)
                        return ""
        except (TimeoutError, rtc.StreamError) as e:
            logger.info("a text did not come whole", extra={"reason": type(e).__name__})
            return ""
        finally:
            reader.close()
        return text

    async def _take(
        self,
        text: str,
        participant: rtc.RemoteParticipant,
        info: rtc.TextStreamInfo,
        text_id: TextId | None,
    ) -> None:
        try:
            await self._on_text(text, participant, info)
        except Exception:
            self._seen.forget(text_id)
            raise
        if text_id is not None:
            self._seen.take(text_id)
            await self._acknowledge(*text_id)

    def _on_key(self, event: rtc.SipDTMF) -> None:
        if event.participant is not None and self._is_caller(event.participant.identity):
            self._keypad.press(event.digit)

    def _on_whole_number(self, text: str) -> None:
        if self._texts.take(self._clock()):
            self._answer(partial(self._on_number, text))
        else:
            self._refuse("too_fast", TOO_FAST)

    def _answer(self, take: Callable[[], Awaitable[None]]) -> None:
        self._answering.add(self._spawn(self._taken(take)))

    async def _taken(self, take: Callable[[], Awaitable[None]]) -> None:
        await self._begun.wait()
        try:
            await take()
        except Exception:
            logger.warning("a text could not be taken", exc_info=True)

    def _on_data(self, packet: rtc.DataPacket) -> None:
        if self._on_words is None or packet.topic != SIMULATED_WORDS_TOPIC:
            return
        if len(packet.data) > LONGEST_DATA_BYTES or not self._data.take(self._clock()):
            self._refuse("too_fast", "The packets are too many or too large.")
            return
        try:
            self._on_words(packet.data)
        except ValueError as e:
            self._refuse("bad_words", str(e))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name="room-input")
        task.add_done_callback(self._answering.discard)
        return task


def of_call(
    room: rtc.Room,
    session: AgentSession[None],
    *,
    is_caller: Callable[[str], bool],
    begun: asyncio.Event,
    simulated: Iterable[object],
    tell: Callable[[str, str], None],
) -> RoomInputs:
    """Those of a call: text is answered as livekit answers it, and numbers like text; with the first
    key the agent stops speaking. Data are what the recognisers among the `simulated` engines will hear."""
    engines = tuple(simulated)
    return RoomInputs(
        room,
        is_caller=is_caller,
        on_text=partial(_answer, session),
        on_first_key=partial(_hush, session),
        on_number=partial(_answer_number, session),
        on_words=partial(_expect, engines) if engines else None,
        tell=tell,
        acknowledge=partial(send_receipt, room),
        begun=begun,
    )


async def _answer(
    session: AgentSession[None],
    text: str,
    participant: rtc.RemoteParticipant,
    info: rtc.TextStreamInfo,
) -> None:
    event = room_io.TextInputEvent(text=text, info=info, participant=participant)
    if answering := room_io.TextInputOptions().text_input_cb(session, event):
        await answering


def _hush(session: AgentSession[None]) -> None:
    """As callers know it from menus: they need not hear to the end."""
    with suppress(RuntimeError):  # it has not begun, or is closing
        session.interrupt()


async def _answer_number(session: AgentSession[None], text: str) -> None:
    await session.interrupt()
    session.generate_reply(user_input=text)


def _expect(engines: Iterable[object], payload: bytes) -> None:
    from livekit.plugins import simulated

    words = simulated.parse_words(payload)
    for engine in engines:
        if isinstance(engine, simulated.STT):
            engine.expect_words(words)
