"""One call in a real room: says what the scenario says, when it says so, and records everything."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from livekit import rtc
from livekit.plugins.simulated import WORDS_TOPIC

from evals.ear.arrival import lane_by_arrival
from evals.ear.manners import ANSWER_S, Ears, Manners
from evals.ear.microphone import FRAME_SAMPLES, Microphone
from evals.ear.recording import Event, Lane, Recording
from evals.ear.scenario import Call, Step
from evals.ear.voices import Spoken
from tests.stack.caller import RATE_HZ, Caller, resample

RECORDED_HZ = 24_000

_FRAME_S = FRAME_SAMPLES / RATE_HZ
_POLL_S = 0.01
_CONNECT_S = 15.0
_AGENT_JOINS_S = 20.0
_SETTLE_S = 2.0
"""From the agent's track to the first word: its session is still being set up."""
_TAIL_S = 1.6
_STOPPED_S = 0.5
_SEND_S = 5.0
_PATIENCE_S = 30.0
"""So long beyond the length of a reply the agent may take before the call is given up."""


class CallFailed(Exception):
    """The rest of the call makes no sense; the message says why."""


class StepSkipped(Exception):
    """A step could not be done as it should; the message says why. The call goes on."""


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A step that was not carried out."""

    step: Step
    why: str


@dataclass(frozen=True, kw_only=True)
class CarriedOut:
    recording: Recording
    done: tuple[Step, ...]
    """The steps of the recording's events."""
    skipped: tuple[Skipped, ...]


async def carry_out(call: Call, spoken: Sequence[Spoken], url: str, token: str) -> CarriedOut:
    """Carries out a call; `spoken` are the utterances of its steps.

    A call that fails gives a recording of what there was, with `failure` set.
    """
    person = Person(call)
    failure: str | None = None
    try:
        async with asyncio.timeout(_CONNECT_S):
            await person.join(url, token)
        await person.follow(spoken)
    except TimeoutError:
        failure = "the room could not be joined in time"
    except (CallFailed, rtc.ConnectError) as e:
        failure = str(e)
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_SEND_S):
                await person.leave()
    return person.carried_out(failure)


class Person(Caller):
    """A caller with a scenario.

    The recording's clock begins 10 ms before the first frame of the microphone is due: frame n is
    handed over at (n + 1) * 10 ms and holds what was said in the 10 ms before.
    """

    def __init__(self, call: Call) -> None:
        super().__init__()
        self._call = call
        self._mixer = Microphone(call.conditions, call.seed)
        self._ears = Ears()
        self._manners = Manners()
        self._origin_s = time.monotonic()
        self._sent: list[np.ndarray] = []
        self._events: list[Event] = []
        self._done: list[Step] = []
        self._skipped: list[Skipped] = []
        self._is_heard = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def follow(self, spoken: Sequence[Spoken]) -> None:
        """Raises CallFailed."""
        await self.until_agent_is_here()
        for step, speech in zip(self._call.steps, spoken, strict=True):
            try:
                await self._wait_until_due(step)
                await self._say(step, speech)
            except StepSkipped as e:
                self._skipped.append(Skipped(step=step, why=str(e)))
        await self._wait_for_quiet(_TAIL_S)

    async def until_agent_is_here(self) -> None:
        """Until it can be heard and has settled. Raises CallFailed."""
        await self._wait(
            self._is_heard.is_set, _AGENT_JOINS_S, CallFailed("the agent did not come")
        )
        await asyncio.sleep(_SETTLE_S)

    def carried_out(self, failure: str | None) -> CarriedOut:
        """What there is, after the call."""
        tried = len(self._done) + len(self._skipped)
        left = [Skipped(step=step, why=failure or "") for step in self._call.steps[tried:]]
        arrivals_s = [at_s - self._origin_s for at_s in self._ears.arrivals_s]
        recording = Recording(
            caller=_recorded(Lane(samples=_joined(self._sent), rate_hz=RATE_HZ, start_s=0.0)),
            agent=_recorded(lane_by_arrival(arrivals_s, self._ears.frames, RATE_HZ)),
            events=tuple(self._events),
            echo=self._call.conditions.echo is not None,
            reply_s=self._call.conditions.reply_s,
            agent_records=self._on_the_clock(self.turns, "received_s"),
            transcripts=self._on_the_clock(self.transcripts.values(), "first_s"),
            lateness_s=tuple(self.lateness_s),
            failure=failure,
        )
        return CarriedOut(
            recording=recording, done=tuple(self._done), skipped=(*self._skipped, *left)
        )

    def _now_s(self) -> float:
        return time.monotonic() - self._origin_s

    async def _wait_until_due(self, step: Step) -> None:
        if step.when == "quiet":
            await self._wait_for_quiet(step.seconds)
        elif step.when == "after":
            await self._sleep_until((self._events[-1].end_s if self._events else 0) + step.seconds)
        else:
            await self._sleep_until(await self._answer_s() + step.seconds)
            if time.monotonic() - self._ears.last_sound_s > _STOPPED_S:
                raise StepSkipped("the agent had stopped speaking before")

    async def _wait_for_quiet(self, wanted_s: float) -> None:
        await self._wait(
            lambda: self._manners.may_speak(self._ears, time.monotonic(), wanted_s),
            self._call.conditions.reply_s + ANSWER_S + _PATIENCE_S,
            CallFailed("the agent did not stop speaking"),
        )

    async def _answer_s(self) -> float:
        """When the agent began to answer the last turn or interruption."""
        answer_s: float = await self._wait(
            lambda: self._manners.answer_s(self._ears),
            ANSWER_S,
            StepSkipped("the agent did not speak"),
        )
        return answer_s - self._origin_s

    async def _say(self, step: Step, speech: Spoken) -> None:
        """Announces the words, speaks, and notes when that was."""
        words = [[word.text, word.start_s, word.end_s] for word in speech.words]
        await self._announce(json.dumps({"words": words}))
        zero_s = len(self._sent) * _FRAME_S + self._mixer.delay_s
        self._mixer.say(speech.samples, step.level_db)
        event = _event(step, speech, zero_s)
        self._events.append(event)
        self._done.append(step)
        await self._sleep_until(event.end_s)
        self._manners.said(step.kind, event.end_s + self._origin_s)

    async def _announce(self, packet: str) -> None:
        try:
            async with asyncio.timeout(_SEND_S):
                await self.room.local_participant.publish_data(
                    packet, reliable=True, topic=WORDS_TOPIC
                )
        except TimeoutError:
            raise CallFailed("the words could not be announced") from None

    async def _sleep_until(self, at_s: float) -> None:
        await self._wait(lambda: self._now_s() >= at_s, max(0.0, at_s - self._now_s()) + 5.0)

    async def _wait(
        self, condition: Callable[[], Any], timeout_s: float, late: Exception | None = None
    ) -> Any:
        """Polls; raises `late` after the time, CallFailed when the room or the agent has gone."""
        end_s = time.monotonic() + timeout_s
        while (value := condition()) in (None, False):
            if self.closed.is_set():
                raise CallFailed("the room was closed")
            if self._is_heard.is_set() and not self.room.remote_participants:
                raise CallFailed("the agent left")
            if time.monotonic() > end_s:
                raise late or CallFailed("the caller's machine stood still")
            await asyncio.sleep(_POLL_S)
        return value

    def _on_the_clock(
        self, facts: Iterable[dict[str, Any]], name: str
    ) -> tuple[dict[str, Any], ...]:
        return tuple(fact | {name: fact[name] - self._origin_s} for fact in facts if name in fact)

    async def _capture(self, source: rtc.AudioSource) -> None:
        start_s = time.monotonic()
        self._origin_s = start_s - _FRAME_S
        while True:
            frame = self._mixer.next_frame()
            self._sent.append(frame)
            due_s = start_s + (len(self._sent) - 1) * _FRAME_S
            self.lateness_s.append(max(0.0, time.monotonic() - due_s))
            pcm = frame.tobytes()
            await source.capture_frame(rtc.AudioFrame(pcm, RATE_HZ, 1, FRAME_SAMPLES))
            await asyncio.sleep(max(0.0, due_s + _FRAME_S - time.monotonic()))

    def _on_track(self, track: rtc.Track, *_: Any) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            if self._listening:
                self._listening.cancel()  # the agent publishes anew
            self._listening = asyncio.get_running_loop().create_task(self._listen(track))
            self._tasks.add(self._listening)
            self._is_heard.set()

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=10)
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, dtype=np.int16).copy()
                self._ears.hear(time.monotonic(), samples)
                self._mixer.hear(samples)
        finally:
            await stream.aclose()

    async def _read_transcript(self, reader: rtc.TextStreamReader, identity: str) -> None:
        """A segment is sent again and again as it changes; the streams may overlap."""
        attributes = reader.info.attributes or {}
        segment = attributes.get("lk.segment_id", reader.info.stream_id)
        who = "caller" if identity == self.identity else "agent"
        entry = self.transcripts.setdefault(
            segment, {"who": who, "text": "", "final": False, "first_s": time.monotonic()}
        )
        is_final = attributes.get("lk.transcription_final") == "true"
        text = await reader.read_all()
        if is_final or not entry["final"]:
            entry |= {"text": text, "final": is_final}

    def _collect(self, into: list[dict[str, Any]]) -> Any:
        async def read(reader: rtc.TextStreamReader) -> None:
            text = await reader.read_all()
            into.append(json.loads(text) | {"received_s": time.monotonic()})

        return lambda reader, _: self._spawn(read(reader))


def _event(step: Step, speech: Spoken, zero_s: float) -> Event:
    utterance = step.utterance
    return Event(
        kind=step.kind,
        utterance=utterance.id,
        text=" ".join(word.text for word in speech.words),
        voice=utterance.recording or utterance.sound or utterance.voice,
        start_s=zero_s + speech.start_s,
        end_s=zero_s + speech.end_s,
        pauses_s=tuple((zero_s + a, zero_s + b) for a, b in speech.pauses_s),
        tags=utterance.tags,
    )


def _joined(frames: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(frames) if frames else np.zeros(0, dtype=np.int16)


def _recorded(lane: Lane) -> Lane:
    samples = lane.samples
    if len(samples):
        samples = resample(samples, lane.rate_hz, RECORDED_HZ)
    return Lane(samples=samples, rate_hz=RECORDED_HZ, start_s=lane.start_s)
