"""`parley serve`: the model server by itself, for the workers of several machines."""

from __future__ import annotations

import logging
from dataclasses import replace

from livekit.plugins.modelserver.app import end_process, serve
from livekit.plugins.modelserver.logs import log_to_stderr

from agent.config import ConfigError, Settings
from agent.local.host import LocalHost, plan_of
from agent.local.plan import SpeechOptions
from agent.local.tuning import load
from agent.profiles import Choice


def start_log(settings: Settings) -> None:
    """To stderr, from AGENT_LOG_LEVEL on."""
    log_to_stderr(logging.getLevelNamesMapping()[settings.agent_log_level])


def run_serve(settings: Settings, choice: Choice, *, health_port: int) -> None:
    """Serves until a signal; never returns. Raises ConfigError when there is nothing to serve."""
    tuning = load(settings.cache_dir)
    plan = plan_of(settings, choice, tuning)
    if not plan.served:
        raise ConfigError(
            [
                "AGENT_STT and AGENT_TTS name no local engine: there is nothing to serve. "
                "Set AGENT_PROFILE=local, or name one, like AGENT_STT=faster_whisper:base.en."
            ]
        )
    host = LocalHost.prepare(
        plan,
        settings.cache_dir / "run",  # without an address the socket is here
        speech=SpeechOptions.of(settings, choice),
        tuning=tuning,
        health_port=health_port,
    )
    config = replace(host.server_config(), health_host=settings.agent_host)
    if settings.agent_modelserver:
        config = replace(
            config, address=settings.agent_modelserver, token=settings.modelserver_token
        )
    start_log(settings)
    end_process(serve(config))
