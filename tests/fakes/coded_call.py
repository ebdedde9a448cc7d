"""A call whose words are coded in the audio, through a chain of recognisers, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from livekit.agents import stt
from livekit.plugins.chains import Breakers, Member
from livekit.plugins.chains.events import ChainEvent, Hedged, Switched
from livekit.plugins.chains.stt import ChainSTT

from .audio import frames
from .coded_stt import RATE_HZ, CodedSTT, Kind

FRAME_S = 0.05
DEADLINE_S = 0.7


class Flush:
    """Of the listener's, in a script of sounds."""


FLUSH = Flush()
Script = Sequence[bytes | Flush]


@dataclass
class Record:
    """Times are seconds since the call began."""

    events: list[tuple[float, stt.SpeechEvent]] = field(default_factory=list)
    flushes: list[float] = field(default_factory=list)
    told: list[ChainEvent] = field(default_factory=list)
    metrics: list[object] = field(default_factory=list)
    error: Exception | None = None
    closing_s: float = 0.0

    def of(self, kind: stt.SpeechEventType) -> list[tuple[float, stt.SpeechEvent]]:
        return [(at_s, event) for at_s, event in self.events if event.type is kind]

    @property
    def finals(self) -> list[str]:
        """Those with words."""
        found = [event.alternatives[0].text for _, event in self.of(Kind.FINAL_TRANSCRIPT)]
        return [text for text in found if text]

    @property
    def answers_s(self) -> list[float]:
        """When each FINAL came."""
        return [at_s for at_s, _ in self.of(Kind.FINAL_TRANSCRIPT)]

    @property
    def switches(self) -> list[Switched]:
        return [event for event in self.told if isinstance(event, Switched)]

    @property
    def hedges(self) -> list[Hedged]:
        return [event for event in self.told if isinstance(event, Hedged)]


async def call(
    members: Sequence[CodedSTT],
    script: Script,
    *,
    breakers: Breakers | None = None,
    deadline_s: float = DEADLINE_S,
) -> Record:
    """Plays the script in real time and waits for the end of the stream."""
    record = Record()
    chain = ChainSTT(
        [Member(member.name, member, deadline_s) for member in members],
        breakers=breakers or Breakers(chance=lambda: 0.5),
        on_event=record.told.append,
    )
    chain.on("metrics_collected", record.metrics.append)
    clock = asyncio.get_running_loop().time
    begun_s = clock()
    stream = chain.stream()

    async def listen() -> None:
        async for event in stream:
            record.events.append((clock() - begun_s, event))

    listening = asyncio.create_task(listen())
    for item in script:
        if listening.done():
            break
        if isinstance(item, Flush):
            record.flushes.append(clock() - begun_s)
            stream.flush()
            continue
        for frame in frames(item, RATE_HZ, frame_ms=round(FRAME_S * 1000)):
            if not listening.done():
                stream.push_frame(frame)
                await asyncio.sleep(FRAME_S)
    if not listening.done():
        stream.end_input()
    try:
        await listening
    except Exception as e:
        record.error = e
    ended_s = clock()
    await stream.aclose()
    await chain.aclose()
    record.closing_s = clock() - ended_s
    for member in members:
        member.released.set()
    return record
