"""An agent without a thought: it sends the caller's sound back, frame by frame.

    AGENT_NAME=echo python -m evals.baselines.echo

What the caller hears of it is the path alone: caller → server → worker → server → caller.
"""

from __future__ import annotations

import sys

from livekit import rtc
from livekit.agents import AutoSubscribe, JobContext

from evals.baselines.worker import loopback, serve

RATE_HZ = 48000
FRAME_MS = 10


async def entrypoint(ctx: JobContext) -> None:
    """A job: one call. It ends with the room."""
    await ctx.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY, rtc_config=loopback())
    # Without a queue a frame is sent on as soon as it has come.
    source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=0)
    track = rtc.LocalAudioTrack.create_audio_track("echo", source)
    await ctx.room.local_participant.publish_track(track)
    caller = await ctx.wait_for_participant()
    microphone = rtc.AudioStream.from_participant(
        participant=caller,
        track_source=rtc.TrackSource.SOURCE_MICROPHONE,
        sample_rate=RATE_HZ,
        num_channels=1,
        frame_size_ms=FRAME_MS,
    )
    async for event in microphone:
        await source.capture_frame(event.frame)
    ctx.shutdown()


if __name__ == "__main__":
    sys.exit(serve(entrypoint))
