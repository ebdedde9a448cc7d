"""compose.yaml as Compose understands it, and the Dockerfile's images as far as they say what runs."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.deploy import tools

DEPLOY = tools.CHECKOUT / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"
_GIVEN = "given"


def write_env(file: Path, settings: Mapping[str, str] | None = None) -> Path:
    """.env.example with `settings`, and a value for everything else that has none."""
    values = dict(settings or {})
    text = re.sub(
        r"^([A-Z_]+)=$",
        lambda line: f"{line[1]}={values.pop(line[1], _GIVEN)}",
        (DEPLOY / ".env.example").read_text(),
        flags=re.MULTILINE,
    )
    file.write_text(text + "".join(f'{name}="{value}"\n' for name, value in values.items()))
    return file


def compose(env: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [tools.program("docker-compose"), "--env-file", str(env), *arguments]
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(env.parent)}
    return subprocess.run(
        command, cwd=DEPLOY, env=clean, capture_output=True, text=True, timeout=60
    )


def read(env: Path, *files: str) -> dict[str, Any]:
    """The project as Compose understands it, with every service; `.env` is not read by services."""
    options = [word for file in files for word in ("--file", file)]
    profiles = ["--profile", "local", "--profile", "sip"]
    resolve = ["config", "--format", "json", "--no-env-resolution"]
    done = compose(env, *options, *profiles, *resolve)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def instructions() -> list[str]:
    """The Dockerfile's instructions, each in one line and without comments."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    return [i for i in "\n".join(lines).replace("\\\n", " ").splitlines() if i.strip()]


def stages() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    for instruction in instructions():
        if match := re.match(r"FROM \S+ AS (\w+)", instruction):
            name = match[1]
        found.setdefault(name, []).append(instruction)
    return found


@dataclass(frozen=True)
class Image:
    """What a container of one of our images runs."""

    environment: dict[str, str]
    arguments: list[str]
    """Of the `parley` command."""
    health_url: str
    """That the health check asks."""

    @classmethod
    def of(cls, target: str) -> Image:
        inherited, own = stages()["runtime"], stages()[target]
        environment: dict[str, str] = {}
        for instruction in [*inherited, *own]:
            if instruction.startswith("ENV "):
                words = shlex.split(instruction)[1:]
                environment |= dict(word.split("=", 1) for word in words)
        (entry,) = (i for i in inherited if i.startswith("ENTRYPOINT "))
        assert json.loads(entry.removeprefix("ENTRYPOINT "))[-1] == "parley"
        (command,) = (i for i in own if i.startswith("CMD "))
        (health,) = (i for i in own if i.startswith("HEALTHCHECK "))
        (url,) = re.findall(r'"(http://[^"]+)"', health)
        return cls(environment, json.loads(command.removeprefix("CMD ")), url)
