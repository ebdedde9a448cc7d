import asyncio
import os
from pathlib import Path

import yaml

from agent.demo.guard import Guard
from agent.demo.options import DemoOptions
from agent.demo.parts import StartedServer, start_server, start_worker
from agent.demo.server_finder import RunningServer, ServerInDocker, ServerProgram
from agent.private_files import Keys

KEYS = Keys(api_key="ours", api_secret="o" * 40)
SHOW_CALL = '#!/bin/sh\necho "$*"\n[ -z "$LIVEKIT_CONFIG" ] || echo "$LIVEKIT_CONFIG"\n'


def options_in(folder: Path, **more: object) -> DemoOptions:
    options = DemoOptions(
        root=folder,
        cache_dir=folder / "cache",
        dist=folder / "dist",
        environ=dict(os.environ),
        **more,  # type: ignore[arg-type]
    )
    options.state_dir.mkdir()
    return options


def script(path: Path) -> Path:
    path.write_text(SHOW_CALL)
    path.chmod(0o755)
    return path


async def ended(server: StartedServer) -> list[str]:
    """What the stand-in for the server said."""
    assert server.child is not None
    await asyncio.wait_for(server.child.wait(), 10)
    await server.child.stop(patience_s=1, hurry=asyncio.Event())
    return server.child.log_path.read_text().splitlines()


async def test_a_program_is_started_on_loopback_with_a_private_configuration(
    tmp_path: Path,
) -> None:
    options, program = options_in(tmp_path), script(tmp_path / "livekit-server")
    with Guard() as guard:
        found = ServerProgram(path=program, how="on PATH")
        server = await start_server(found, KEYS, options, guard, media_address="127.0.0.1")
        said = await ended(server)
    config_file = options.state_dir / "livekit.yaml"
    config = yaml.safe_load(config_file.read_text())
    assert said == [f"--config {config_file} --bind 127.0.0.1"]
    assert config["keys"] == {"ours": "o" * 40}
    assert config_file.stat().st_mode & 0o777 == 0o600
    assert server.url == f"ws://127.0.0.1:{config['port']}"


async def test_a_container_is_started_on_this_machines_network_and_removed_at_the_end(
    tmp_path: Path,
) -> None:
    options, docker = options_in(tmp_path), script(tmp_path / "docker")
    docker.write_text(SHOW_CALL + f'echo "$*" >> {tmp_path}/calls\n')
    with Guard() as guard:
        found = ServerInDocker(docker=str(docker), image="livekit/livekit-server:v1", how="")
        server = await start_server(found, KEYS, options, guard, media_address="127.0.0.1")
        said = await ended(server)
    name = f"parley-demo-{os.getpid()}"
    assert said[0] == (
        f"run --rm --name {name} --network host --env LIVEKIT_CONFIG "
        "livekit/livekit-server:v1 --bind 127.0.0.1"
    )
    assert yaml.safe_load("\n".join(said[1:]))["keys"] == {"ours": "o" * 40}
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[-1] == f"rm --force {name}"
    assert KEYS.api_secret not in calls[0]


async def test_a_running_server_is_only_used(tmp_path: Path) -> None:
    with Guard() as guard:
        found = RunningServer(url="ws://127.0.0.1:7880", keys=KEYS, how="already running")
        server = await start_server(
            found, KEYS, options_in(tmp_path), guard, media_address="127.0.0.1"
        )
    assert (server.url, server.child) == ("ws://127.0.0.1:7880", None)


async def test_the_worker_is_told_everything_through_its_environment(tmp_path: Path) -> None:
    worker_command = ("sh", "-c", "env | grep -E '^(LIVEKIT|AGENT|PARLEY)_'")
    options = options_in(tmp_path, worker_command=worker_command, metrics_port=0)
    server = StartedServer(url="ws://127.0.0.1:7999", keys=KEYS, how="", child=None)
    (options.state_dir / "worker-ready").touch()
    with Guard() as guard:
        worker = await start_worker(server, options, guard)
        assert not worker.ready_file.exists()
        await asyncio.wait_for(worker.child.wait(), 10)
        await worker.child.stop(patience_s=1, hurry=asyncio.Event())
    said = dict(line.split("=", 1) for line in worker.child.log_path.read_text().splitlines())
    assert said["LIVEKIT_URL"] == "ws://127.0.0.1:7999"
    assert said["LIVEKIT_API_KEY"] == "ours"
    assert said["LIVEKIT_API_SECRET"] == "o" * 40
    assert said["AGENT_HEALTH_PORT"] == str(worker.health_port)
    assert said["AGENT_METRICS_PORT"] == "0"
    assert said["PARLEY_READY_FILE"] == str(options.state_dir / "worker-ready")
