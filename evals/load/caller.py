"""A caller that costs little: many of them fit beside the agents whose load is measured.

Ten pieces of sound a second go out and twenty come in (`evals.ear.caller` takes a hundred of each, records
all and judges it afterwards); what is kept is when the agent began to speak.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from livekit import rtc
from livekit.plugins.simulated import WORDS_TOPIC

from evals.ear.caller import CallFailed
from evals.ear.manners import ANSWER_S, Ears, Manners
from evals.ear.microphone import FRAME_SAMPLES
from evals.ear.scenario import Step
from evals.ear.voices import Spoken
from evals.load.sent import PIECE_MS, PIECE_SAMPLES, PieceMicrophone, SentClock
from evals.load.turn import Turn, judge
from tests.stack.caller import NOISE_DBFS, RATE_HZ, Caller

_HEARD_MS = 50
_FRAME_S = FRAME_SAMPLES / RATE_HZ
_POLL_S = 0.02
_CONNECT_S = 15.0
_AGENT_JOINS_S = 20.0
_LONGEST_REPLY_S = 60.0
_STANDSTILL_S = 5.0


class LightCaller(Caller):
    """`listens_s`: so long an answer is listened to before it is talked over; None for to its end."""

    def __init__(self, seed: int = 0, *, listens_s: float | None = None) -> None:
        super().__init__(piece_ms=PIECE_MS)
        self.clock = SentClock()
        self._microphone = PieceMicrophone(seed, NOISE_DBFS)
        self._listens_s = listens_s
        self._ears = Ears()
        self._manners = Manners()
        self._is_heard = asyncio.Event()

    async def call(self, url: str, token: str) -> None:
        """Joins, and waits until the agent can be heard. Raises CallFailed."""
        try:
            async with asyncio.timeout(_CONNECT_S):
                await self.join(url, token)
        except rtc.ConnectError as e:
            raise CallFailed(str(e)) from None
        except TimeoutError:
            raise CallFailed("the room could not be joined in time") from None
        try:
            async with asyncio.timeout(_AGENT_JOINS_S):
                await self._is_heard.wait()
        except TimeoutError:
            raise CallFailed("the agent did not come") from None

    async def take_turn(self, step: Step, speech: Spoken) -> Turn:
        """Waits for its turn, speaks, and waits for the answer. Raises CallFailed."""
        await self._until(
            lambda: self._may_speak(step.seconds),
            _LONGEST_REPLY_S,
            "the agent did not stop speaking",
        )
        start_s, end_s = await self.say_words(step, speech)
        self._manners.said(step.kind, end_s)
        turn = judge(step.utterance.id, start_s, end_s, self._ears.onsets_s)
        if turn.outcome != "unanswered":
            return turn
        await self._until(
            lambda: self._is_over(end_s),
            ANSWER_S + _STANDSTILL_S,
            "the caller's machine stood still",
        )
        return judge(step.utterance.id, start_s, end_s, self._ears.onsets_s)

    async def listen_to_the_end(self) -> None:
        """Of the last answer. Raises CallFailed."""
        await self._until(
            lambda: self._may_speak(1.0), _LONGEST_REPLY_S, "the agent did not stop speaking"
        )

    async def say_words(self, step: Step, speech: Spoken) -> tuple[float, float]:
        """When the first and the last audible sample left. Raises CallFailed."""
        words = [[word.text, word.start_s, word.end_s] for word in speech.words]
        await self.room.local_participant.publish_data(
            json.dumps({"words": words}), reliable=True, topic=WORDS_TOPIC
        )
        zero = self._microphone.say(speech.samples, step.level_db)
        first, last = (zero + round(at_s * RATE_HZ) for at_s in (speech.start_s, speech.end_s))
        await self._until(
            lambda: time.monotonic() >= self.clock.left_s(last),
            speech.end_s + _STANDSTILL_S,
            "the caller's machine stood still",
        )
        return self.clock.left_s(first), self.clock.left_s(last)

    def _may_speak(self, wanted_s: float) -> bool:
        now_s = time.monotonic()
        answer_s = self._manners.answer_s(self._ears)
        if self._listens_s is not None and answer_s is not None:
            return now_s - answer_s >= self._listens_s
        return self._manners.may_speak(self._ears, now_s, wanted_s)

    def _is_over(self, end_s: float) -> bool:
        return self._ears.onset_after(end_s) is not None or time.monotonic() - end_s >= ANSWER_S

    async def _until(self, condition: Callable[[], bool], timeout_s: float, late: str) -> None:
        end_s = time.monotonic() + timeout_s
        while not condition():
            if self.closed.is_set():
                raise CallFailed("the room was closed")
            if not self.room.remote_participants:
                raise CallFailed("the agent left")
            if time.monotonic() > end_s:
                raise CallFailed(late)
            await asyncio.sleep(_POLL_S)

    async def _capture(self, source: rtc.AudioSource) -> None:
        while True:
            pcm = self._microphone.next_piece().tobytes()
            # Returns when the queue behind the microphone wants more: that is the only pace here.
            await source.capture_frame(rtc.AudioFrame(pcm, RATE_HZ, 1, PIECE_SAMPLES))
            self.clock.taken_up(PIECE_SAMPLES, time.monotonic())

    def _on_track(self, track: rtc.Track, *_: Any) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._spawn(self._listen(track))
            self._is_heard.set()

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(
            track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=_HEARD_MS
        )
        try:
            async for event in stream:
                now_s = time.monotonic()
                samples = np.frombuffer(event.frame.data, dtype=np.int16).copy()
                frames = samples.reshape(-1, FRAME_SAMPLES)
                for later, frame in zip(range(len(frames))[::-1], frames, strict=True):
                    self._ears.hear(now_s - later * _FRAME_S, frame)
        finally:
            await stream.aclose()

    def _on_transcript(self, reader: rtc.TextStreamReader, identity: str) -> None:
        """Nobody reads it."""
