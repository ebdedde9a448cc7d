"""What calls without a room are put together with, and taken apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from livekit.agents import AgentSession
from livekit.agents.voice.io import AudioInput
from livekit.agents.voice.transcription import TranscriptSynchronizer

from agent.announcer import Announcer
from agent.tools import CallActions, Toolbox
from agent.tools.faq import Faq
from tests.fakes.audio_io import Loudspeaker, Subtitles

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def connect(
    session: AgentSession[None],
    microphone: AudioInput,
    loudspeaker: Loudspeaker,
    subtitles: Subtitles,
) -> TranscriptSynchronizer:
    """Brings the session what the caller says, and the caller what the session says."""
    synchroniser = TranscriptSynchronizer(
        next_in_chain_audio=loudspeaker, next_in_chain_text=subtitles
    )
    session.input.audio = microphone
    session.output.audio = synchroniser.audio_output
    session.output.transcription = synchroniser.text_output
    return synchroniser


def toolbox_of(announcer: Announcer, hang_up: Callable[[], None]) -> Toolbox:
    """Of a call at noon, without documents."""
    actions = CallActions(announce=announcer.announce, hang_up=hang_up)
    return Toolbox(actions, Faq([]), now=lambda: NOON, time_zone="Etc/UTC")


async def close(*parts: Any) -> None:
    """One after the other."""
    for part in parts:
        if hasattr(part, "aclose"):
            await part.aclose()
        else:
            part.close()
