"""livekit-agents as its documentation sets it up, behind our simulated stages.

    AGENT_NAME=stock python -m evals.baselines.stock --detector v1-mini

A default is left alone wherever there is one. What is set, and why:

- the end-of-turn detector is v1-mini and interruptions are found by VAD, for the defaults may ask
  LiveKit's cloud, which nobody has here;
- no echo-cancellation warm-up: its 3 s at the start of each reply could not be interrupted, and an
  early interruption could not be measured;
- the room goes when the caller leaves: its process would otherwise stay for 20 s and use the
  processor during the next call.
"""

from __future__ import annotations

import argparse
import logging
import sys
from functools import partial
from typing import Literal

from livekit import rtc
from livekit.agents import (
    Agent,
    AgentSession,
    JobContext,
    TurnHandlingOptions,
    inference,
    room_io,
)
from livekit.plugins import simulated

from agent.dispatch import SimulatedOptions, parse_metadata
from evals.baselines.worker import loopback, serve

Detector = Literal["vad", "v1-mini"]

STT_DELAY_S, LLM_DELAY_S, TTS_DELAY_S = 0.08, 0.15, 0.07

logger = logging.getLogger(__name__)


def turn_handling(detector: Detector) -> TurnHandlingOptions:
    detection = "vad" if detector == "vad" else inference.TurnDetector(version="v1-mini")
    return {"turn_detection": detection, "interruption": {"mode": "vad"}}


async def entrypoint(detector: Detector, ctx: JobContext) -> None:
    """A job: one call."""
    reply_s = (parse_metadata(ctx.job.metadata).simulated or SimulatedOptions()).reply_s
    stt = simulated.STT(STT_DELAY_S)
    llm = simulated.LLM(LLM_DELAY_S)
    tts = simulated.TTS(TTS_DELAY_S, reply_s)
    for engine in (stt, llm, tts):
        ctx.add_shutdown_callback(engine.aclose)
    ctx.room.on("data_received", partial(_announce, stt))
    session = AgentSession[None](
        stt=stt,
        llm=llm,
        tts=tts,
        turn_handling=turn_handling(detector),
        aec_warmup_duration=None,
    )
    await ctx.connect(rtc_config=loopback())
    await session.start(
        Agent(instructions="You are a helpful voice assistant."),
        room=ctx.room,
        room_options=room_io.RoomOptions(delete_room_on_close=True),
        record=False,
    )


def _announce(stt: simulated.STT, packet: rtc.DataPacket) -> None:
    if packet.topic == simulated.WORDS_TOPIC:
        try:
            stt.expect_words(simulated.parse_words(packet.data))
        except simulated.WordsError as e:
            logger.warning("an announcement was not understood: %s", e)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--detector", choices=("vad", "v1-mini"), required=True)
    options = parser.parse_args()
    return serve(partial(entrypoint, options.detector))


if __name__ == "__main__":
    sys.exit(main())
