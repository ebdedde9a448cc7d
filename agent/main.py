"""The worker: an AgentServer whose jobs are calls. Wiring only."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import sys
from functools import partial
from urllib.parse import urlsplit

from livekit import api, rtc
from livekit.agents import AgentServer, JobContext, JobProcess

from agent.call import Call
from agent.call_ids import CallIds
from agent.config import Settings, load_settings
from agent.continuity import StoreError, open_store
from agent.continuity.rooms import FAILURES, withdraw
from agent.continuity.waiting import is_mark
from agent.dialogue import CallSetup
from agent.dispatch import DispatchError, parse_metadata
from agent.engines import Loaded, build, check_engines, import_plugins, preload
from agent.forkserver import PRELOADED_MODULES
from agent.joining import CALLER_KINDS
from agent.log_noise import keep_noise_out
from agent.log_privacy import keep_content_out
from agent.profiles import ProfileError, choose
from agent.ready_file import announce_ready
from agent.reception import Reception
from agent.room_messages import send_notice
from agent.sound.filter import check_noise
from agent.tracing import start_tracing
from agent.turn_taking import voice_activity

logger = logging.getLogger(__name__)

REFUSAL_WAIT_S = 30.0
"""How long a refused call waits for somebody to tell why."""


def build_server(settings: Settings, reception: Reception) -> AgentServer:
    """A worker for these settings, whose calls `reception` takes; nothing is started yet.

    Raises ProfileError when the engines of the settings cannot be built.
    """
    check_engines(settings)
    voice_activity(settings)
    check_noise(settings)
    try:
        open_store(settings)
    except StoreError as e:
        raise ProfileError(str(e)) from e
    server = AgentServer(
        ws_url=settings.livekit_url,
        api_key=settings.livekit_api_key,
        api_secret=settings.api_secret or None,
        host="127.0.0.1",  # of livekit's own answers to probes; ours are in agent/health.py
        port=0,
        num_idle_processes=settings.agent_idle_processes,
        setup_fnc=prewarm,
        load_fnc=reception.load,
        load_threshold=math.inf,  # livekit only guesses what a call that has just begun will cost
        initialize_process_timeout=60.0,
        preload_modules=PRELOADED_MODULES,
        max_retry=sys.maxsize,  # else a server that is away for two minutes ends all calls here
        log_level=settings.agent_log_level.replace("WARNING", "WARN"),
    )
    name = settings.agent_name or ""
    server.rtc_session(entrypoint, agent_name=name, on_request=reception.answer)
    reception.attach(server)
    server.on("worker_registered", announce_ready)
    return server


def prewarm(process: JobProcess) -> None:
    """Runs in each job process before its call: settings, and models that take time to load."""
    keep_content_out()
    keep_noise_out()
    settings = load_settings()
    forkserver = sys.modules.get("agent.preloaded")  # there only in a forkserver's children
    loaded: Loaded = forkserver.LOADED if forkserver else Loaded()
    if forkserver is None:
        preload(choose(settings), loaded)
    voice_activity(settings)
    rtc.AudioResampler(48_000, 24_000)  # starts the SDK's threads, which no forkserver may have
    process.userdata["settings"] = settings
    process.userdata["loaded"] = loaded
    process.userdata["ids"] = _identify(settings)


def _identify(settings: Settings) -> CallIds:
    """From now on log lines and spans of this process say which call, room and turn they are of."""
    ids = CallIds()
    for handler in logging.getLogger().handlers:
        handler.addFilter(ids)
    if settings.otel_exporter_otlp_endpoint:
        start_tracing(settings.otel_exporter_otlp_endpoint, ids)
    return ids


async def entrypoint(ctx: JobContext) -> None:
    """A job: one call."""
    settings: Settings = ctx.proc.userdata["settings"]
    connect = partial(_join, ctx, settings)
    try:
        options = parse_metadata(ctx.job.metadata)
        choice = choose(settings, options)
        import_plugins(choice)
        loaded = ctx.proc.userdata["loaded"]
        pipeline = await asyncio.to_thread(build, settings, choice, options, loaded)
        setup = CallSetup(
            ctx=ctx,
            settings=settings,
            options=options,
            choice=choice,
            pipeline=pipeline,
            words=loaded.words,
            store=open_store(settings),
        )
        call = Call(setup)
        ctx.proc.userdata["ids"].turns = call.turns
        await call.run(connect)
    except (DispatchError, ProfileError) as e:
        await connect()
        await _refuse(ctx, str(e))
    except Exception:
        await connect()
        await send_notice(ctx.room, "error", "failed", "The agent failed to start; see its log.")
        raise


def rtc_configuration(livekit_url: str) -> rtc.RtcConfiguration | None:
    """No STUN server but loopback for a server on this machine: its packets need not leave it."""
    if urlsplit(livekit_url).hostname not in ("127.0.0.1", "localhost", "::1"):
        return None
    return rtc.RtcConfiguration(ice_servers=[rtc.IceServer(urls=["stun:127.0.0.1:3478"])])


async def _join(ctx: JobContext, settings: Settings) -> None:
    """Connects; a caller who was told to wait is not told so any more."""
    await ctx.connect(rtc_config=rtc_configuration(settings.livekit_url or ""))
    if is_mark(ctx.room.metadata):
        unmarked = api.UpdateRoomMetadataRequest(room=ctx.room.name, metadata="")
        with contextlib.suppress(*FAILURES):
            await ctx.api.room.update_room_metadata(unmarked)


async def _refuse(ctx: JobContext, message: str) -> None:
    """Tells the room why this call cannot be had, and leaves it."""
    logger.error("call refused", extra={"reason": message})
    try:
        async with asyncio.timeout(REFUSAL_WAIT_S):
            await ctx.wait_for_participant(kind=CALLER_KINDS)
        await send_notice(ctx.room, "error", "call_refused", message)
    except TimeoutError:
        logger.info("nobody came to be told")
    finally:
        await withdraw(ctx.api, ctx.job)
        ctx.shutdown("call refused")
