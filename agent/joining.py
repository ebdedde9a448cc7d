"""Makes a call's session, and starts it in the room."""

from __future__ import annotations

import asyncio

from livekit import rtc
from livekit.agents import Agent, AgentSession, room_io, utils
from livekit.agents.voice.agent_session import SessionConnectOptions

from agent.engines import Pipeline
from agent.turn_taking import TurnTaking

CALLER_KINDS = [
    rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
    rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
]
_INPUT_FRAME_MS = 20
"""As long as a packet of the room's. With 10 a silent call costs a quarter more of a processor."""


async def start_in_room(
    session: AgentSession[None],
    agent: Agent,
    room: rtc.Room,
    *,
    hears_through: rtc.FrameProcessor[rtc.AudioFrame],
    over: asyncio.Event,
) -> bool:
    """False when `over` is set first: livekit would wait for ever for a caller who has left.

    Text and the agent's voice do not go livekit's own ways: `room_inputs` and the playout have them.
    """
    options = room_io.RoomOptions(
        text_input=False,  # room_inputs reads it, within bounds
        audio_input=room_io.AudioInputOptions(
            frame_size_ms=_INPUT_FRAME_MS,
            pre_connect_audio=False,  # our page sends none; others could send it without end
            noise_cancellation=hears_through,
            auto_gain_control=False,  # it would lift the voices of others to the caller's level
        ),
        audio_output=False,
        participant_kinds=CALLER_KINDS,
        close_on_disconnect=False,
    )
    starting = asyncio.create_task(
        session.start(agent, room=room, room_options=options, record=False, session_host=False)
    )
    ended = asyncio.create_task(over.wait())
    await asyncio.wait({starting, ended}, return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if not starting.done():
        await utils.aio.cancel_and_wait(starting)
        return False
    await starting
    return True


def new_session(
    pipeline: Pipeline, turn_taking: TurnTaking, conn_options: SessionConnectOptions
) -> AgentSession[None]:
    """One with these engines, whose turns `turn_taking` finds."""
    return AgentSession[None](
        stt=pipeline.stt,
        llm=pipeline.llm,
        tts=pipeline.tts,
        vad=turn_taking.vad,
        turn_handling=turn_taking.options(),
        conn_options=conn_options,
        aec_warmup_duration=None,
    )
