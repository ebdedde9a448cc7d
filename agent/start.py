"""`parley start` and `parley dev`: a worker, once what it needs is there.

Heavy imports happen inside the functions, after the environment is set.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config import ConfigError, Settings
from agent.ports import is_free
from agent.private_files import Keys
from agent.profiles import Choice, ProfileError

if TYPE_CHECKING:
    from agent.local.host import LocalHost


def run_start(settings: Settings, choice: Choice, warn: Callable[[str], None], *, dev: bool) -> int:
    """A worker until a signal; the status to exit with. Raises ConfigError.

    `warn` is told what may yet come right.
    """
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        # Read when prometheus_client is imported: job processes share their counts through it.
        metrics_folder = Path(folder) / "metrics"
        metrics_folder.mkdir()
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(metrics_folder))
        _check_ports(settings)
        _check_server(settings, warn)
        _check_model_server(settings, choice, warn)
        return _work(settings, choice, Path(folder), dev=dev)


def _work(settings: Settings, choice: Choice, folder: Path, *, dev: bool) -> int:
    farewell, local = _shared(settings, choice, folder)
    from agent.forkserver import settle_forkserver, start_forkserver

    start_forkserver()
    from agent.continuity.lookout import watching
    from agent.gauges import gauging
    from agent.health import answering
    from agent.log_privacy import keep_content_out
    from agent.logs import log_to_stdout
    from agent.main import build_server
    from agent.metrics_files import keep_own
    from agent.metrics_server import shared_folder
    from agent.opening import reading_elsewhere
    from agent.reception import Reception
    from agent.worker import Drain, run_worker

    level = "DEBUG" if dev and settings.agent_log_level == "INFO" else settings.agent_log_level
    log_to_stdout(level, settings.agent_log_format or ("text" if dev else "json"))
    keep_content_out()
    reception = Reception(settings, dev=dev)
    try:
        server = build_server(settings, reception)
    except ProfileError as e:
        settle_forkserver()
        raise ConfigError([str(e)]) from None
    return run_worker(
        server,
        drain=None if dev else Drain(settings.agent_drain_s, farewell),
        health=answering(settings, reception.describe),
        local=local.running() if local else None,
        beside=[
            keep_own(shared_folder() or folder / "metrics"),
            gauging(reception, settings, choice),
            watching(server, settings, reception),
            reading_elsewhere(settings, choice, lambda: bool(server.active_jobs)),
        ],
    )


def _shared(settings: Settings, choice: Choice, folder: Path) -> tuple[Path, LocalHost | None]:
    """What job processes find in their environment, from the first one on."""
    from agent.call_status import share_calls
    from agent.chained import share_breakers
    from agent.farewell import share_farewell
    from agent.lateness import share_lateness
    from agent.local.host import local_host

    share_breakers(folder)
    share_lateness(folder)
    share_calls(folder)
    return share_farewell(folder), local_host(settings, choice, folder)


def _check_ports(settings: Settings) -> None:
    ports = {
        "AGENT_HEALTH_PORT": settings.agent_health_port,
        "AGENT_METRICS_PORT": settings.agent_metrics_port,
    }
    taken = [
        f"{name}: port {port} is in use; set it to a free port, or to 0 for "
        + ("any" if name == "AGENT_HEALTH_PORT" else "none")
        for name, port in ports.items()
        if port and not is_free(port, host=settings.agent_host)
    ]
    if taken:
        raise ConfigError(taken)


def _check_server(settings: Settings, warn: Callable[[str], None]) -> None:
    """A server that refuses the key will not take it later; one that is away may come back."""
    from agent.token_check import Verdict, check_token

    keys = Keys(api_key=settings.livekit_api_key or "", api_secret=settings.api_secret)
    url = settings.livekit_url or ""
    outcome = asyncio.run(check_token(url, keys))
    match outcome.verdict:
        case Verdict.REFUSED:
            problem = f"{url} refuses the key: LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be a pair of it."
            raise ConfigError([problem])
        case Verdict.NOT_LIVEKIT:
            raise ConfigError([f"LIVEKIT_URL: {url} is no LiveKit server ({outcome.detail})."])
        case Verdict.UNREACHABLE:
            warn(f"{url} cannot be reached yet ({outcome.detail}); the worker keeps trying.")
        case Verdict.ACCEPTED:
            pass


def _check_model_server(settings: Settings, choice: Choice, warn: Callable[[str], None]) -> None:
    from agent.local.reach import unreached

    if sentence := asyncio.run(unreached(settings, choice)):
        warn(sentence)
