"""A telephone call that has been answered: its sound, its signalling, somebody who speaks, a witness."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from livekit import api

from evals.ear.activity import audible_spans
from evals.ear.analysis import analyse, audio_quality
from evals.ear.caller import CallFailed
from evals.ear.recording import Recording
from evals.ear.results import Row
from evals.phone.bridge import Bridge
from evals.phone.line import Line
from evals.phone.messages import Message, sound_address
from evals.phone.person import Person
from evals.phone.sipp import Dialled, dialled
from evals.phone.witness import Witness, find_room

SYSTEM = "parley by phone"
_ROOM_S = 5.0
_GREETING_S = 15.0
_TAIL_S = 1.6


@dataclass(frozen=True)
class Connected:
    """A call in progress."""

    line: Line
    call: Dialled
    person: Person
    witness: Witness
    answer: Message
    """The 200 to its INVITE."""

    @property
    def lateness_p99_s(self) -> float:
        late_s = sorted(self.line.lateness_s) or [0.0]
        return round(late_s[int(0.99 * (len(late_s) - 1))], 5)

    async def greeted(self) -> None:
        """Waits for the greeting and its end. Raises CallFailed."""
        end_s = time.monotonic() + _GREETING_S
        while not self.line.ears.onsets_s:
            if time.monotonic() > end_s or self.call.is_over:
                raise CallFailed("no greeting")
            await asyncio.sleep(0.01)
        await self.person.wait_for_quiet(1.0)

    def since_invite_s(self, message: Message) -> float:
        return message.at_s - self.call.messages[0].at_s

    def first_sound_s(self) -> float | None:
        """Of the other side, since the INVITE."""
        spans = audible_spans(self.line.lanes()[1])
        if not spans:
            return None
        invite_s = self.call.monotonic_s(self.call.messages[0])
        return spans[0].start_s + self.line.origin_s - invite_s

    def silent_for_s(self, message: Message) -> float | None:
        """From the last sound of the other side to a message."""
        spans = audible_spans(self.line.lanes()[1])
        if not spans:
            return None
        return self.call.monotonic_s(message) - (spans[-1].end_s + self.line.origin_s)

    async def recorded(self, reply_s: float | None) -> Recording:
        """The call so far, after the last answer; `reply_s` as in Recording."""
        failure = None
        try:
            await self.person.wait_for_quiet(_TAIL_S)
        except CallFailed as e:
            failure = str(e)
        said, heard = self.line.lanes()
        origin_s = self.line.origin_s
        records = [
            record | {"received_s": record["received_s"] - origin_s}
            for record in self.witness.records
        ]
        return Recording(
            caller=said,
            agent=heard,
            events=tuple(self.person.events),
            reply_s=reply_s,
            agent_records=tuple(records),
            lateness_s=tuple(self.line.lateness_s),
            failure=failure,
        )


@asynccontextmanager
async def connected(
    bridge: Bridge, client: api.LiveKitAPI, *, seed: int = 0
) -> AsyncIterator[Connected]:
    """Calls, and hangs up at the end unless the other side has. Raises CallFailed."""
    answer = await client.room.list_rooms(api.ListRoomsRequest())
    before = [room.name for room in answer.rooms]
    line = await Line.open(seed)
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            dialled(bridge.sip_port, line.port, Path(folder)) as call,
        ):
            accepted = await call.answered()
            line.begin(sound_address(accepted.body))
            witness = Witness(bridge, client, await _room(client, before))
            await witness.join()
            person = Person(line, witness.announce, lambda: call.is_over)
            try:
                yield Connected(line, call, person, witness, accepted)
            finally:
                with suppress(CallFailed):  # what went wrong before says more
                    if not call.is_over:
                        await call.hang_up()
                    await call.until_gone()
                await witness.leave()
    finally:
        await line.aclose()


async def _room(client: api.LiveKitAPI, before: list[str]) -> str:
    end_s = time.monotonic() + _ROOM_S
    while (name := await find_room(client, before)) is None:
        if time.monotonic() > end_s:
            raise CallFailed("the call has no room")
        await asyncio.sleep(0.05)
    return name


def rows_of(recording: Recording, set_name: str, name: str, lateness_p99_s: float) -> list[Row]:
    """What the agent did about each event."""
    quality = audio_quality(recording)
    return [
        Row(
            system=SYSTEM,
            patience="normal",
            set=set_name,
            split="dev",
            call=name,
            result=result,
            gaps=quality.gaps,
            clicks=quality.clicks,
            microphone_lateness_p99_s=lateness_p99_s,
        )
        for result in analyse(recording)
    ]
