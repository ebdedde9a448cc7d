"""The programs of a demo: how the LiveKit server and the worker are started."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.ports import LOOPBACK, pick_port
from agent.private_files import Keys, write_private
from agent.ready_file import READY_FILE_VARIABLE

from .guard import Guard
from .options import DemoOptions
from .ports import pick_server_ports
from .processes import Child, start_child
from .server_config import server_config
from .server_finder import Found, RunningServer, ServerInDocker, ServerProgram

__all__ = ["StartedServer", "StartedWorker", "docker_command", "start_server", "start_worker"]


@dataclass(frozen=True, kw_only=True)
class StartedServer:
    """A server that runs or is about to."""

    url: str
    keys: Keys
    how: str
    child: Child | None
    """None when it is not ours."""


@dataclass(frozen=True, kw_only=True)
class StartedWorker:
    """A worker that is about to register."""

    child: Child
    health_port: int
    ready_file: Path
    """Made by the worker once it has registered."""


async def start_server(
    found: Found, keys: Keys, options: DemoOptions, guard: Guard, *, media_address: str
) -> StartedServer:
    """Starts what was found, with signalling on loopback and media on `media_address`."""
    if isinstance(found, RunningServer):
        return StartedServer(url=found.url, keys=found.keys, how=found.how, child=None)
    ports = pick_server_ports(media_address)
    config = server_config(ports, keys, media_address=media_address)
    env = dict(options.environ)
    if isinstance(found, ServerProgram):
        config_file = options.state_dir / "livekit.yaml"
        write_private(config_file, config)
        command = [str(found.path), "--config", str(config_file), "--bind", LOOPBACK]
    else:
        # Through the environment: a mode 600 file may be unreadable inside the container.
        env["LIVEKIT_CONFIG"] = config
        container = f"parley-demo-{os.getpid()}"
        command = docker_command(found, container)
        guard.at_end([found.docker, "rm", "--force", container])
    child = await start_child(
        "the LiveKit server",
        command,
        env=env,
        log_path=options.state_dir / "logs" / "livekit-server.log",
        guard=guard,
    )
    return StartedServer(
        url=f"ws://{LOOPBACK}:{ports.signal}",
        keys=keys,
        how=f"{found.how}, port {ports.signal}",
        child=child,
    )


def docker_command(found: ServerInDocker, container: str) -> list[str]:
    """A container on this machine's own network; its configuration is in LIVEKIT_CONFIG."""
    run = [found.docker, "run", "--rm", "--name", container, "--network", "host"]
    return [*run, "--env", "LIVEKIT_CONFIG", found.image, "--bind", LOOPBACK]


async def start_worker(server: StartedServer, options: DemoOptions, guard: Guard) -> StartedWorker:
    """Starts the worker against `server`."""
    health_port = options.health_port or pick_port(8081)
    ready_file = options.state_dir / "worker-ready"
    ready_file.unlink(missing_ok=True)
    child = await start_child(
        "the worker",
        options.worker_command,
        env=worker_environment(
            options.environ,
            server,
            health_port=health_port,
            metrics_port=_metrics_port(options, health_port),
            ready_file=ready_file,
        ),
        log_path=options.state_dir / "logs" / "worker.log",
        guard=guard,
    )
    return StartedWorker(child=child, health_port=health_port, ready_file=ready_file)


def worker_environment(
    environ: Mapping[str, str],
    server: StartedServer,
    *,
    health_port: int,
    metrics_port: int,
    ready_file: Path,
) -> dict[str, str]:
    """Environment of the worker: everything it is told goes through here."""
    return {
        **environ,
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": server.keys.api_key,
        "LIVEKIT_API_SECRET": server.keys.api_secret,
        "AGENT_HEALTH_PORT": str(health_port),
        "AGENT_METRICS_PORT": str(metrics_port),
        READY_FILE_VARIABLE: str(ready_file),
    }


def _metrics_port(options: DemoOptions, health_port: int) -> int:
    if options.metrics_port is not None:
        return options.metrics_port
    return pick_port(9090, taken={health_port})
