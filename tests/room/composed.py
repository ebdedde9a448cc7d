"""The services of deploy/compose.yaml as plain processes of this machine, with the same settings.

A container has an address of its own, a process here has ports of its own: each port of theirs stands
for another one here, alike in commands, settings, health checks and in what Prometheus reads.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import yaml
from dotenv import dotenv_values

from agent.cli import serve_models
from agent.config import Settings
from agent.demo.ports import ServerPorts
from agent.ports import free_port
from tests.deploy import tools
from tests.deploy.project import DEPLOY, Image, read, write_env
from tests.room.rolling import UNHURRIED
from tests.stack.nodes import production_config
from tests.stack.processes import server_binary, stop, wait_until

_ON_THE_HOST = {7880: "livekit", 6789: "livekit", 6379: "redis"}
"""Ports that are reached by way of the host, and whose they are."""
_NOT_HERE = {"PATH", "HOME"}
"""What an image sets for itself."""


class Composed:
    """Nothing runs before `running()`."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        """`settings`: of the file `.env`."""
        self._folder = folder
        self._env = write_env(folder / "env", settings)
        self._services: dict[str, Any] = read(self._env, "compose.yaml")["services"]
        self._ports: dict[tuple[str, int], int] = {}

    def url(self, service: str, number: int) -> str:
        return f"http://127.0.0.1:{self._port(service, number)}"

    def query(self, expr: str) -> list[Any]:
        """What Prometheus has for `expr`, a dictionary for each series."""
        url = f"{self.url('prometheus', 9090)}/api/v1/query?query={quote(expr)}"
        return list(ask(url)["data"]["result"])

    @contextmanager
    def running(self) -> Iterator[None]:
        """From when all of them are healthy."""
        with ExitStack() as stack:
            for start in (
                self._redis,
                self._livekit,
                self._model_server,
                self._worker,
                self._web,
                self._prometheus,
            ):
                stack.enter_context(start())
            yield

    @contextmanager
    def _redis(self) -> Iterator[None]:
        port = self._port("redis", 6379)
        command = [*self._services["redis"]["command"], "--bind", "127.0.0.1", "--port", str(port)]
        with self._process("redis", command, {}, lambda: _listens(port)):
            yield

    @contextmanager
    def _livekit(self) -> Iterator[None]:
        service, name = self._services["livekit"], "livekit"
        signal, tcp, udp = (self._port(name, number) for number in (7880, 7881, 7882))
        ports = ServerPorts(signal=signal, media_tcp=tcp, media_udp=udp)
        redis = f"redis://127.0.0.1:{self._port('redis', 6379)}"
        config = production_config(ports, redis, self._port(name, 6789))
        del config["keys"]  # they are in the environment
        file = self._folder / "livekit.yaml"
        file.write_text(yaml.safe_dump(config))
        (mounted,) = (volume["target"] for volume in service["volumes"])
        command = [str(file) if word == mounted else word for word in service["command"]]
        healthy = self._answers(name, service["healthcheck"]["test"][-1])
        with self._process(name, [server_binary(), *command], service["environment"], healthy):
            yield

    @contextmanager
    def _model_server(self) -> Iterator[None]:
        number = inspect.signature(serve_models).parameters["health_port"].default
        with self._ours("modelserver", "--health-port", str(self._port("modelserver", number))):
            yield

    @contextmanager
    def _worker(self) -> Iterator[None]:
        ports = self._ports_of("worker", "agent_health_port", "agent_metrics_port")
        with self._ours("worker", **ports, **UNHURRIED):
            yield

    @contextmanager
    def _web(self) -> Iterator[None]:
        with self._ours("web", **self._ports_of("web", "agent_web_port")):
            yield

    @contextmanager
    def _prometheus(self) -> Iterator[None]:
        service, name = self._services["prometheus"], "prometheus"
        folder = self._folder / name
        shutil.copytree(DEPLOY / name, folder / "settings")
        self._scrape_here(folder / "settings" / "prometheus.yaml")
        places = {"/etc/prometheus": folder / "settings", "/prometheus": folder / "data"}
        assert {volume["target"] for volume in service["volumes"]} == set(places)
        options = [
            re.sub("=(/etc/prometheus|/prometheus)", lambda found: f"={places[found[1]]}", option)
            for option in service["command"]
        ]
        listen = f"--web.listen-address=127.0.0.1:{self._port(name, 9090)}"
        healthy = self._answers(name, service["healthcheck"]["test"][-1])
        command = [tools.prometheus(name), *options, listen]
        with self._process(name, command, {}, healthy):
            yield

    def _scrape_here(self, file: Path) -> None:
        """Docker resolves the services' names; here the same table does that knows their ports."""
        config = yaml.safe_load(file.read_text())
        config["global"]["scrape_interval"] = "1s"
        for job in config["scrape_configs"]:
            targets = [t for group in job.get("static_configs", ()) for t in group["targets"]]
            for found in job.pop("dns_sd_configs", ()):
                targets += [f"{service}:{found['port']}" for service in found["names"]]
            here = [self._here("prometheus", target) for target in targets]
            job["static_configs"] = [{"targets": here}]
        file.write_text(yaml.safe_dump(config))

    @contextmanager
    def _ours(self, name: str, *more: str, **settings: str) -> Iterator[None]:
        """`more` arguments and settings: what a process needs here that a container does not."""
        service = self._services[name]
        image = Image.of(service["build"]["target"])
        shared = dotenv_values(self._env) if service.get("env_file") else {}
        given = image.environment | shared | (service.get("environment") or {})
        environment = {k: v for k, v in given.items() if v is not None and k not in _NOT_HERE}
        environment["AGENT_CACHE_DIR"] = str(self._folder / name)
        arguments = [*(service.get("command") or image.arguments), *more]
        command = [str(Path(sys.executable).with_name("parley")), *arguments]
        healthy = self._answers(name, image.health_url)
        with self._process(name, command, environment | settings, healthy):
            yield

    @contextmanager
    def _process(
        self, name: str, command: list[str], given: Mapping[str, str], healthy: Callable[[], bool]
    ) -> Iterator[None]:
        others = {k: v for k, v in os.environ.items() if not k.startswith(("AGENT_", "LIVEKIT_"))}
        environment = {variable: self._here(name, value) for variable, value in given.items()}
        log = self._folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env=others | environment,
                stdout=output,
                stderr=output,
                cwd=self._folder,
            )
        try:
            wait_until(healthy, log, 60, process)
            yield
        finally:
            # LiveKit on Redis waits for callers who are gone.
            stop(process, timeout_s=2 if name == "livekit" else 20)

    def _answers(self, service: str, url: str) -> Callable[[], bool]:
        here = self._here(service, url)
        return lambda: _is_answered(here)

    def _here(self, service: str, text: str) -> str:
        """`text` of a service's with addresses of this machine."""

        def replaced(found: re.Match[str]) -> str:
            host, number = found[1], int(found[2])
            owner = host if host in self._services else _ON_THE_HOST.get(number, service)
            return f"127.0.0.1:{self._port(owner, number)}"

        return re.sub(r"\b([a-z][a-z.]+|\d+(?:\.\d+){3}):(\d{2,5})\b", replaced, text)

    def _ports_of(self, service: str, *settings: str) -> dict[str, str]:
        """The ports that these settings have by default, as they are here."""
        defaults = {name: Settings.model_fields[name].default for name in settings}
        return {name.upper(): str(self._port(service, port)) for name, port in defaults.items()}

    def _port(self, service: str, number: int) -> int:
        key = service, number
        if key not in self._ports:
            self._ports[key] = free_port()
        return self._ports[key]


def ask(url: str, body: Mapping[str, Any] | None = None) -> Any:
    """The JSON that an address answers; asked by POST when there is a body."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"})
    with urlopen(request, timeout=5) as answer:
        return json.load(answer)


def _is_answered(url: str) -> bool:
    try:
        with urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
