"""The voices of a chain, and what all of its requests share."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from livekit.agents import APIConnectOptions, tts

from .breakers import Breakers, EngineBreaker
from .events import BrokeOff, ChainEvent, OnEvent, report
from .faults import Fault, FaultKind, GarbageError
from .member import Member, Prober
from .order import Order
from .strays import Strays
from .tts_level import SpeechLevel, matching_gain_db
from .tts_pace import Pace
from .tts_quiet import Loudness
from .tts_reply import ReplyVoice

TTSMember = Member[tts.TTS[Any]]

_PROBE_TEXT = "Yes."
_NOT_HUMAN = Fault(
    FaultKind.PROTOCOL, "speaks as fast or slowly as nobody does: is its sound of another rate?"
)


@dataclass
class Speaker:
    """A member, and what is known of its voice."""

    place: int
    """In the chain's list."""
    member: TTSMember
    breaker: EngineBreaker
    level: SpeechLevel
    pace: Pace
    running: int = 0
    """Requests that it works on."""
    heard_at_s: float = -math.inf
    """When it last gave audio, to any of them, on the loop's clock."""

    @property
    def name(self) -> str:
        return self.member.name


class Crew:
    def __init__(
        self,
        members: Sequence[TTSMember],
        *,
        breakers: Breakers,
        rate_hz: int,
        hedge_s: float | None,
        speed: float,
        on_event: OnEvent,
    ) -> None:
        self.rate_hz = rate_hz
        self.hedge_s = hedge_s
        self.strays = Strays()
        self.reply = ReplyVoice()
        self.listeners: set[asyncio.Event] = set()
        """Set when the reply's voice may have changed."""
        self.speakers = [
            Speaker(place, member, breakers.of(member.name), SpeechLevel(rate_hz), Pace.at(speed))
            for place, member in enumerate(members)
        ]
        self._breakers = breakers
        self._on_event = on_event
        self.prober = Prober(members, breakers, probe)

    def order(self) -> Order[tts.TTS[Any]]:
        """Whom to ask, one after the other: who speaks the reply, and those behind it, first."""
        first = self.reply.member or 0
        speakers = self.speakers[first:] + self.speakers[:first]
        breakers = {speaker.name: speaker.breaker for speaker in speakers}
        return Order(
            [speaker.member for speaker in speakers],
            may_try=lambda name: breakers[name].may_try(),
            is_hopeless=lambda name: breakers[name].is_forbidden(),
        )

    def speaker(self, member: TTSMember) -> Speaker:
        return next(speaker for speaker in self.speakers if speaker.member is member)

    def current(self) -> Speaker:
        """Who speaks, or would."""
        if self.reply.member is not None:
            return self.speakers[self.reply.member]
        ready = (speaker for speaker in self.speakers if speaker.breaker.may_try())
        return next(ready, self.speakers[0])

    def gain_db(self, speaker: Speaker) -> float:
        """What makes it as loud as the first one was."""
        first = self.speakers[0]
        return 0.0 if speaker is first else matching_gain_db(first.level.dbfs, speaker.level.dbfs)

    def heard_whole(self, speaker: Speaker, text: str, speech_s: float) -> None:
        """All of `text` was spoken. A voice that nobody can follow is asked last from the next one on:
        raw sound does not tell its rate, and its words have been heard, too fast or slow."""
        speaker.pace.observe(text, speech_s)
        speaker.breaker.succeeded()
        if not speaker.pace.is_human and speaker.name not in self._breakers.spared:
            self._breakers.spared.add(speaker.name)
            self.report(BrokeOff(stage="tts", name=speaker.name, fault=_NOT_HUMAN))

    def wake(self) -> None:
        for listener in self.listeners:
            listener.set()

    def report(self, event: ChainEvent) -> None:
        report(event, self._on_event)

    async def aclose(self) -> None:
        await self.prober.aclose()
        await self.strays.aclose()


async def probe(engine: tts.TTS[Any]) -> None:
    """Raises what is wrong with the engine. The caller sets the deadline."""
    options = APIConnectOptions(max_retry=0)
    loudness: Loudness | None = None
    async with engine.synthesize(_PROBE_TEXT, conn_options=options) as stream:
        async for audio in stream:
            loudness = loudness or Loudness(audio.frame.sample_rate)
            loudness.add(bytes(audio.frame.data))
            if loudness.onset_s is not None:
                return
    raise GarbageError("gave no sound")
