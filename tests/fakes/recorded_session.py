"""A recorder on a session that was never started, and a clock that is set by hand."""

from __future__ import annotations

from typing import Generic, TypeVar

from livekit.agents import AgentSession, SpeechCreatedEvent
from livekit.agents.voice import SpeechHandle

from agent.turn_record import TurnRecord
from agent.turn_recorder import TurnRecorder
from tests.fakes.audio_io import Loudspeaker

WALL_OFFSET_S = 1_000_000.0
"""Of the clock of livekit's timestamps from the monotonic one."""

Recorder = TypeVar("Recorder", bound=TurnRecorder)


class RecordedSession(Generic[Recorder]):
    """`aclose` at the end."""

    def __init__(self, kind: type[Recorder]) -> None:
        self.now_s = 100.0
        self.records: list[TurnRecord] = []
        self.session = AgentSession[None](vad=None)
        self.output = Loudspeaker()
        self.recorder = kind(
            call="room",
            profile="tested",
            engines={"stt": "ears"},
            publish=self.records.append,
            clock=lambda: self.now_s,
            wall=lambda: self.now_s + WALL_OFFSET_S,
        )
        self.recorder.attach(self.session, self.output)

    def begin_speech(self, handle: SpeechHandle) -> None:
        """The session begins to make an answer that nobody asked for."""
        self.session.emit(
            "speech_created",
            SpeechCreatedEvent(user_initiated=False, source="generate_reply", speech_handle=handle),
        )

    async def aclose(self) -> None:
        await self.output.aclose()
