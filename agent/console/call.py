"""A call as any other, but for the room: its caller sits at this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from livekit import rtc
from livekit.agents import ConversationItemAddedEvent, llm, utils
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.io import AudioInput
from livekit.agents.voice.transcription import TranscriptSynchronizer

from agent.console.lines import Lines
from agent.console.screen import Screen, SpokenWords
from agent.continuity import Conversation
from agent.continuity.keeper import Ending
from agent.dialogue import CallSetup, Dialogue
from agent.playout import Playout
from agent.room_inputs import LONGEST_TEXT, TOO_LONG
from agent.room_messages import Level
from agent.turn_record import TurnRecord

T = TypeVar("T")


class ConsoleCall(Dialogue):
    """Made in the context of a job without a room. `begin`, then `converse`; `aclose` at the end."""

    def __init__(
        self, setup: CallSetup, screen: Screen, *, playout: Playout | None, echoes: bool
    ) -> None:
        """`playout`: where the agent's voice goes; None for a call in writing. `echoes`: what is typed
        is on the screen already, as at a terminal."""
        super().__init__(setup, playout or Playout())
        self.has_failed = False
        """Whether the call ended because the agent cannot go on."""
        hearing = self._microphone
        self._hears_through = self._realtime.tap(hearing) if self._realtime else hearing
        self._screen = screen
        self._words = SpokenWords(screen)
        self._has_voice = playout is not None
        self._echoes = echoes
        self._synchroniser: TranscriptSynchronizer | None = None
        self._is_typed_at = self._is_hanging_up = False
        self._typed: set[str] = set()
        """What was typed and is on the screen, until it is in the conversation."""

    def clean(self, frame: rtc.AudioFrame) -> rtc.AudioFrame:
        """A frame of the microphone as the session gets it."""
        return self._hears_through._process(frame)

    async def begin(self, microphone: AudioInput | None) -> None:
        """Starts the session and greets."""
        self._listen()
        self._session.on("conversation_item_added", self._on_item)
        self._session.input.audio = microphone
        if self._has_voice:
            self._synchroniser = TranscriptSynchronizer(
                next_in_chain_audio=self._playout, next_in_chain_text=self._words
            )
            self._session.output.audio = self._synchroniser.audio_output
            self._session.output.transcription = self._synchroniser.text_output
        else:
            self._session.output.transcription = self._words
        await self._session.start(self._agent, record=False)
        if self._realtime is not None:
            await self._realtime.begin()
        self._go_on()

    async def converse(self, lines: Lines | None) -> None:
        """Until there are no more lines (None: nothing is typed) or the agent ends the call.

        In writing each is answered before the next is read.
        """
        self._is_typed_at = lines is not None
        while not self._over.is_set():
            if lines is None:
                await self._over.wait()
                return
            if self._echoes and not self._has_voice:
                self._screen.prompt()
            line = await self._unless_over(lines.next())
            if line is None:
                return
            self._screen.typed()
            if len(line) > LONGEST_TEXT:
                self._screen.tell(TOO_LONG, "warning")
            elif line.strip():
                await self._ask(line.strip())
            if self._is_hanging_up:
                await self._over.wait()

    def go_on_in_writing(self, sentence: str) -> None:
        """The sound has gone; where nobody types the call has ended."""
        self._screen.tell(sentence, "warning")
        if not self._is_typed_at:
            self._over.set()
        self._has_voice = False
        self._watch.close()  # it waits for a voice that nobody hears any more
        self._attention.close()
        self._session.input.audio = None
        self._session.output.audio = None
        self._session.output.transcription = self._words

    async def aclose(self) -> None:
        """Twice is fine."""
        self._over.set()
        await self._session.aclose()
        if self._synchroniser is not None:
            await self._synchroniser.aclose()
            self._synchroniser = None
        self._hears_through._close()
        await self._close()

    async def _ask(self, text: str) -> None:
        self._typed.add(text)
        if self._realtime is not None:  # a call that is being handed over reads nothing
            await self._unless_over(self._realtime.instead())
        try:
            if self._has_voice:
                await self._session.interrupt()
            answer = self._session.generate_reply(user_input=text)
        except RuntimeError:
            return  # the session is closing
        if not self._has_voice:
            await self._unless_over(self._written(answer))

    async def _written(self, answer: SpeechHandle) -> None:
        """Returns when the answer is on the screen; if its model failed, what the cascade answers."""
        await answer.wait_for_playout()
        if self._realtime is not None and (instead := await self._realtime.instead()) is not None:
            await instead.wait_for_playout()

    async def _unless_over(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of `work`; None when the call ends first."""
        working = asyncio.create_task(work, name="console-work")
        over = asyncio.create_task(self._over.wait(), name="console-over")
        try:
            await asyncio.wait({working, over}, return_when=asyncio.FIRST_COMPLETED)
            return await working if working.done() else None
        finally:
            await utils.aio.cancel_and_wait(working, over)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if isinstance(item, llm.ChatMessage) and item.role == "user" and item.text_content:
            if not (self._echoes and item.text_content in self._typed):
                self._screen.user(item.text_content)
            self._typed.discard(item.text_content)

    def _begin_cascade(self) -> None:
        super()._begin_cascade()
        if not self._has_voice:
            self._watch.close()

    def _hang_up(self) -> None:
        self._is_hanging_up = True
        super()._hang_up()

    def _publish(self, record: TurnRecord) -> None:
        super()._publish(record)
        if not self._over.is_set():
            self._screen.turn(record)

    async def _end(
        self, reason: str, level: Level, code: str, message: str, ending: Ending = "in order"
    ) -> None:
        """Nobody else has to be told."""
        if not self._over.is_set():
            self._over.set()
            self.has_failed = level == "error"
            self._screen.tell(message, level)


class NoStore:
    """Keeps nothing: nobody goes on with a call in a terminal."""

    async def save(self, conversation: Conversation) -> None: ...

    async def load(self, room: str) -> Conversation | None:
        return None

    async def delete(self, room: str) -> None: ...

    async def aclose(self) -> None: ...
