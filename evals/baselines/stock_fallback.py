"""livekit-agents with its own FallbackAdapters, behind the same providers as Parley's chains.

    AGENT_NAME=stock DEEPGRAM_BASE_URL=… OPENAI_BASE_URL=… ELEVEN_BASE_URL=… \\
        python -m evals.baselines.stock_fallback

The plugins and the adapters have their defaults. What is set, and why:

- ElevenLabs and OpenAI give PCM, the only speech that the fake providers can make;
- turns end by VAD, and interruptions are found by it: the caller's coded words mean nothing to a
  model of the end of a turn;
- what is told of the other baselines in `stock.py`: no echo-cancellation warm-up, and the room goes
  when the caller leaves.
"""

from __future__ import annotations

import sys
from typing import Any

from livekit.agents import Agent, AgentSession, JobContext, function_tool, llm, room_io, stt, tts
from livekit.plugins import deepgram, elevenlabs, openai

from agent.config import Settings
from agent.hosted.keys import PROVIDERS, key_of
from evals.baselines.stock import turn_handling
from evals.baselines.worker import loopback, serve

MODELS = ("gpt-4.1-mini", "gpt-4.1-nano")


class Assistant(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You are a helpful voice assistant.")

    @function_tool
    async def set_timer(self, duration_s: float, label: str | None = None) -> str:
        """Starts a timer.

        Args:
            duration_s: How long, in seconds.
            label: What it is for.
        """
        return f"The timer {label or ''} is set."


def engines(settings: Settings) -> tuple[stt.STT[Any], llm.LLM[Any], tts.TTS[Any]]:
    """A first and a second one for each stage, each stage behind its adapter."""
    keys = {name: key_of(provider, settings) for name, provider in PROVIDERS.items()}
    open_ai = {"api_key": keys["openai"], "base_url": settings.openai_base_url}
    ears = [
        deepgram.STT(api_key=keys["deepgram"], base_url=f"{settings.deepgram_base_url}/v1/listen"),
        openai.STT(**open_ai, use_realtime=True),
    ]
    voices: list[tts.TTS[Any]] = [
        elevenlabs.TTS(
            api_key=keys["elevenlabs"], base_url=settings.eleven_base_url, encoding="pcm_24000"
        ),
        openai.TTS(**open_ai, response_format="pcm"),
    ]
    return (
        stt.FallbackAdapter(ears),
        llm.FallbackAdapter([openai.LLM(model=model, **open_ai) for model in MODELS]),
        tts.FallbackAdapter(voices),
    )


async def entrypoint(ctx: JobContext) -> None:
    """A job: one call."""
    ears, brain, voice = engines(Settings())
    session = AgentSession[None](
        stt=ears,
        llm=brain,
        tts=voice,
        turn_handling=turn_handling("vad"),
        aec_warmup_duration=None,
    )
    await ctx.connect(rtc_config=loopback())
    await session.start(
        Assistant(),
        room=ctx.room,
        room_options=room_io.RoomOptions(delete_room_on_close=True),
        record=False,
    )


def main() -> int:
    return serve(entrypoint)


if __name__ == "__main__":
    sys.exit(main())
