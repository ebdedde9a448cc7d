"""One voice at work on a script, from some place on."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from livekit import rtc
from livekit.agents import APIConnectOptions, tts
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString
from livekit.agents.utils import is_given
from livekit.plugins.speechcore import Word, duration_s

from .faults import Fault, classify
from .strays import Strays
from .tts_crew import Speaker
from .tts_flow import HELD_BACK_S, Flow
from .tts_level import Gain
from .tts_script import PartReader, Script
from .tts_sound import SoundIntake
from .tts_take import Take
from .tts_words import has_words


@dataclass(frozen=True, slots=True)
class Piece:
    """Mono int16 PCM at the chain's rate."""

    pcm: bytes = b""
    words: tuple[Word, ...] = ()
    """Times from the first sample of the attempt."""
    part_end: int | None = None
    """Everything of the script up to there has been spoken before this piece."""


class Attempt:
    """Takes in the voice's audio in a task of its own: a voice that hangs holds up nobody else.

    Whoever makes it calls `leave()` in the end, and sets `news` to hear of what comes.
    """

    def __init__(
        self,
        speaker: Speaker,
        script: Script,
        offset: int,
        *,
        rate_hz: int,
        timeout_s: float,
        news: asyncio.Event,
        strays: Strays,
        switches: int,
    ) -> None:
        """`switches`: of the reply, when it begins."""
        self.speaker = speaker
        self.offset = offset
        self.switches = switches
        engine = speaker.member.engine
        self.take = Take(
            rate_hz, speaker.pace, engine.capabilities.aligned_transcript, is_seam=offset > 0
        )
        self.gain = Gain(rate_hz)
        self.flow = Flow()
        self.base_s: float | None = None
        """Where in the chain's audio the take begins; for whoever hands it on."""
        self.has_ended = False
        self.taken_bytes = 0
        self.first_at_s: float | None = None
        self.last_at_s = 0.0
        """When audio first and last came, on the loop's clock."""
        self._since_life_s = 0.0
        """Audio since then."""
        self.grown = asyncio.Event()
        """To be set when the script has grown."""
        self._engine = engine
        self._script = script
        self._rate_hz = rate_hz
        self._options = APIConnectOptions(max_retry=0, timeout=timeout_s)
        self._news = news
        self._strays = strays
        self._error: Exception | None = None
        self._pieces: list[Piece] = []
        self._received_s = 0.0
        self._intake = SoundIntake(rate_hz)
        self._is_left = False
        self._loop = asyncio.get_running_loop()
        self._due = 0
        self.due_since_s: float | None = None
        """When the engine last got something to speak, on the loop's clock."""
        speaker.running += 1
        self._task = asyncio.create_task(self._pump(), name=f"chain.tts.{speaker.name}")

    @property
    def fault(self) -> Fault | None:
        return classify(self._error) if self._error is not None else None

    def drain(self) -> list[Piece]:
        """What has come since it was last asked."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def look_at_script(self) -> None:
        """To be called before the times are asked for."""
        self.take.text = self._script.text[self.offset :]
        due = self._script.due()
        if due > self._due:
            if has_words(self._script.text[max(self._due, self.offset) : due]):
                self.due_since_s = self._loop.time()
            self._due = due

    @property
    def due_text(self) -> str:
        """What the voice should speak without seeing more."""
        return self._script.text[self.offset : self._due]

    def life_s(self) -> float:
        """When it last gave a sign of life or got more to speak, on the loop's clock.

        A voice that speaks one text after the other is alive while it speaks another one of ours.
        """
        mine_s = max(self.last_at_s, self.due_since_s or 0.0)
        return max(mine_s, self.speaker.heard_at_s) if self.speaker.running > 1 else mine_s

    def late_at_s(self, deadline_s: float) -> float:
        """When its first audio will be late."""
        return math.inf if self.due_since_s is None else self.life_s() + deadline_s

    def leave(self) -> None:
        """Whatever it still does is of no more use to anybody."""
        if not self._is_left:
            self._is_left = True
            self.speaker.running -= 1
            self._strays.leave(self._task)

    async def _pump(self) -> None:
        try:
            if self._engine.capabilities.streaming and not self._script.is_one_part:
                await self._speak_as_written()
            else:
                await self._speak_parts()
        except Exception as e:
            self._error = e
        finally:
            self.has_ended = True
            self._news.set()

    async def _speak_parts(self) -> None:
        reader = PartReader(self._script, self.offset)
        while True:
            self.grown.clear()
            part = reader.take()
            if part is None and self._script.is_complete:
                return
            if part is None:
                await self.grown.wait()
            elif has_words(part):
                await self._hear(self._engine.synthesize(part, conn_options=self._options))
                self._give(Piece(self._intake.flush(), part_end=reader.offset))

    async def _speak_as_written(self) -> None:
        stream = self._engine.stream(conn_options=self._options)
        feeding = asyncio.create_task(self._feed(stream), name=f"chain.feed.{self.speaker.name}")
        try:
            await self._hear(stream)
            self._give(Piece(self._intake.flush()))
        finally:
            self._strays.leave(feeding)

    async def _feed(self, stream: tts.SynthesizeStream) -> None:
        read = self.offset
        while True:
            self.grown.clear()
            stream.push_text(self._script.text[read:])
            read = len(self._script.text)
            if self._script.is_complete:
                stream.end_input()
                return
            await self.grown.wait()

    async def _hear(self, stream: tts.ChunkedStream | tts.SynthesizeStream) -> None:
        """Its closing is not waited for, nor its end once it has said that there is no more."""
        base_s = self._received_s
        try:
            async for audio in stream:
                pcm = self._intake.process(audio.frame)
                self._give(Piece(pcm, _words(audio.frame, base_s)))
                if audio.is_final and self._script.is_complete:
                    return
        finally:
            self._strays.keep(asyncio.ensure_future(stream.aclose()))

    def _give(self, piece: Piece) -> None:
        if self._is_left:
            return
        if piece.pcm:
            now_s, length_s = self._loop.time(), duration_s(piece.pcm, self._rate_hz)
            self.speaker.heard_at_s = now_s
            self._since_life_s += length_s
            if self.first_at_s is None:
                self.first_at_s = self.last_at_s = now_s
            elif self._since_life_s > HELD_BACK_S:
                self.last_at_s, self._since_life_s = now_s, 0.0
            self._received_s += length_s
            self.taken_bytes += len(piece.pcm)
        self._pieces.append(piece)
        self._news.set()


def _words(frame: rtc.AudioFrame, base_s: float) -> tuple[Word, ...]:
    """Those whose times are given."""
    told: Sequence[Any] = frame.userdata.get(USERDATA_TIMED_TRANSCRIPT) or ()
    return tuple(
        Word(str(word), base_s + word.start_time, base_s + word.end_time)
        for word in told
        if isinstance(word, TimedString) and is_given(word.start_time) and is_given(word.end_time)
    )
