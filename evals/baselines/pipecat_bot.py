"""pipecat as its project template sets it up, behind our simulated stages, in LiveKit rooms.

    .venv-evals/bin/python evals/baselines/pipecat_bot.py

Silero VAD, Smart Turn v3 and the strategies for the start and the end of a turn at pipecat's
defaults, interruptions included; no greeting. pipecat's rooms have no dispatch: this process watches
the server for rooms named `eval-…` and joins each as soon as its caller is there.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from livekit import api
from livekit.protocol.models import ParticipantInfo
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.runner.livekit import generate_token_with_agent
from pipecat.transports.livekit.transport import LiveKitParams, LiveKitTransport
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

from evals.baselines.pipecat_stages import SimulatedLLM, SimulatedSTT, SimulatedTTS
from evals.baselines.pure import Announcements, WordsError, parse_words

ROOM_PREFIX = "eval-"
LOOK_INTERVAL_S = 0.1
STT_DELAY_S, LLM_DELAY_S, TTS_DELAY_S = 0.08, 0.15, 0.07
DEFAULT_REPLY_S = 1.8
NEEDED = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


class Bots:
    """One bot for each room that has a caller, until the caller leaves."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        self._url, self._key, self._secret = url, key, secret
        self._bots: dict[str, asyncio.Task[None]] = {}

    async def watch(self) -> None:
        """Runs until it is cancelled; the bots end with it."""
        try:
            async with api.LiveKitAPI(self._url, self._key, self._secret) as server:
                await self._look(server)
                _announce_ready()
                while True:
                    await asyncio.sleep(LOOK_INTERVAL_S)
                    await self._look(server)
        finally:
            for bot in self._bots.values():
                bot.cancel()
            await asyncio.gather(*self._bots.values(), return_exceptions=True)

    async def _look(self, server: api.LiveKitAPI) -> None:
        listed = await server.room.list_rooms(api.ListRoomsRequest())
        rooms = {room.name for room in listed.rooms if room.name.startswith(ROOM_PREFIX)}
        for room in rooms - self._bots.keys():
            caller = await _caller(server, room)
            if caller is not None:
                bot = self._talk(room, _reply_s(caller.metadata))
                self._bots[room] = asyncio.create_task(bot, name=f"bot-{room}")
        # A room that has emptied is listed for a while: it is not joined again.
        for room in self._bots.keys() - rooms:
            if self._bots[room].done():
                del self._bots[room]

    async def _talk(self, room: str, reply_s: float) -> None:
        try:
            token = generate_token_with_agent(room, "pipecat", self._key, self._secret)
            transport = LiveKitTransport(
                self._url,
                token,
                room,
                LiveKitParams(audio_in_enabled=True, audio_out_enabled=True),
            )
            await run_bot(transport, reply_s)
        except Exception:
            logger.exception("a call failed")


async def run_bot(transport: LiveKitTransport, reply_s: float) -> None:
    """One call, from joining the room until the caller has left it."""
    announcements = Announcements()
    # Loading the models would keep the other calls waiting.
    vad, strategies = await asyncio.to_thread(lambda: (SileroVADAnalyzer(), UserTurnStrategies()))
    user_aggregator, assistant_aggregator = LLMContextAggregatorPair(
        LLMContext(),
        user_params=LLMUserAggregatorParams(vad_analyzer=vad, user_turn_strategies=strategies),
    )
    stages = [
        transport.input(),
        SimulatedSTT(STT_DELAY_S, announcements),
        user_aggregator,
        SimulatedLLM(LLM_DELAY_S),
        SimulatedTTS(TTS_DELAY_S, reply_s),
        transport.output(),
        assistant_aggregator,
    ]
    worker = PipelineWorker(
        Pipeline(stages), params=PipelineParams(enable_metrics=True, enable_usage_metrics=True)
    )
    runner = WorkerRunner(handle_sigint=False)
    _attach(transport, announcements, runner)
    await runner.add_workers(worker)
    try:
        await runner.run()
    except asyncio.CancelledError:
        await runner.cancel()
        raise


def _attach(
    transport: LiveKitTransport, announcements: Announcements, runner: WorkerRunner
) -> None:
    @transport.event_handler("on_data_received")
    async def on_data_received(_: object, data: bytes, __: str | None) -> None:
        try:
            announcements.announce(parse_words(data))
        except WordsError:
            return  # pipecat does not tell a packet's topic: it was for somebody else

    @transport.event_handler("on_client_disconnected")
    async def on_client_disconnected(*_: object) -> None:
        await runner.cancel()


async def _caller(server: api.LiveKitAPI, room: str) -> ParticipantInfo | None:
    """The first who is no agent; None for a room that is gone or where nobody is yet."""
    try:
        listed = await server.room.list_participants(api.ListParticipantsRequest(room=room))
    except api.TwirpError:
        return None
    people = (p for p in listed.participants if p.kind != ParticipantInfo.Kind.AGENT)
    return next(people, None)


def _reply_s(metadata: str) -> float:
    """The length of a reply that the caller asks for in the metadata."""
    try:
        return float(json.loads(metadata)["simulated"]["reply_s"])
    except (ValueError, TypeError, KeyError):
        return DEFAULT_REPLY_S


def _announce_ready() -> None:
    # As agent.ready_file, which cannot be imported: pipecat's environment does not have the agent.
    if path := os.environ.get("PARLEY_READY_FILE"):
        Path(path).touch()


async def _run() -> int:
    loop = asyncio.get_running_loop()
    watching = asyncio.create_task(
        Bots(*(os.environ[name] for name in NEEDED)).watch(), name="watch-rooms"
    )
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, watching.cancel)
    try:
        await watching
    except asyncio.CancelledError:
        return 0  # a signal
    except (OSError, api.TwirpError) as e:
        sys.stderr.write(f"the LiveKit server cannot be asked for its rooms: {e}\n")
    return 1


def main() -> int:
    if missing := [name for name in NEEDED if not os.environ.get(name)]:
        sys.stderr.write(f"set {', '.join(missing)} in the environment\n")
        return 2
    logger.remove()
    logger.add(sys.stderr, level="WARNING")  # below it there are transcripts
    logger.disable("pipecat.processors.frameworks.rtvi")  # repeats each announcement it receives
    return asyncio.run(_run())


if __name__ == "__main__":
    sys.exit(main())
