"""The ways that install a LiveKit server: Homebrew, Go, Docker, the official release."""

import os
import platform
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from .options import RELEASE_URL, SERVER_VERSION
from .processes import run_command
from .release import Release, ReleaseError, fetch_server, this_machine
from .server_finder import (
    BINARY,
    Environment,
    Found,
    NotFound,
    ServerInDocker,
    checked_program,
)

__all__ = ["DOCKER_IMAGE", "Docker", "Go", "Homebrew", "ReleaseArchive", "go_version"]

DOCKER_IMAGE = f"livekit/livekit-server:v{SERVER_VERSION}"
GO_PACKAGE = f"github.com/livekit/livekit-server/cmd/server@v{SERVER_VERSION}"
_GO_MINIMUM = (1, 21)
"""From here on Go fetches the newer toolchain that a module asks for."""
_INSTALL_DEADLINE_S = 900.0
_QUESTION_DEADLINE_S = 10.0
_OFFLINE = NotFound(reason="PARLEY_OFFLINE is set")


class Homebrew:
    """`brew install livekit`."""

    name = "Homebrew"

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    async def find(self, report: Callable[[str], None]) -> Found | NotFound:
        """Installs the formula; takes a minute."""
        brew, environ = self._environment.which("brew"), self._environment.environ
        if brew is None:
            return NotFound(reason="not installed")
        if self._environment.offline:
            return _OFFLINE
        report("installing livekit with Homebrew")
        installed = await run_command(
            [brew, "install", "livekit"], env=environ, deadline_s=_INSTALL_DEADLINE_S
        )
        if installed.exit_status != 0:
            return NotFound(reason=installed.last_line[:200])
        prefix = await run_command([brew, "--prefix"], env=environ, deadline_s=_QUESTION_DEADLINE_S)
        path = Path(prefix.output.strip() or "/") / "bin" / BINARY
        return await checked_program(path, "from Homebrew", self._environment)


class Go:
    """`go install` into the tool cache; Go verifies checksums as it always does."""

    name = "Go"

    def __init__(self, environment: Environment, *, package: str = GO_PACKAGE) -> None:
        self._environment = environment
        self._package = package

    async def find(self, report: Callable[[str], None]) -> Found | NotFound:
        """Builds the server; takes two or three minutes the first time."""
        go = self._environment.which("go")
        if go is None:
            return NotFound(reason="not installed")
        told = await run_command(
            [go, "version"], env=self._environment.environ, deadline_s=_QUESTION_DEADLINE_S
        )
        version = go_version(told.output)
        if version is None:
            return NotFound(reason=f"it does not run ({told.last_line[:120]})")
        if version < _GO_MINIMUM:
            return NotFound(
                reason=f"Go {version[0]}.{version[1]} is too old, 1.21 or newer is needed"
            )
        if self._environment.offline:
            return _OFFLINE
        report("building livekit-server with Go, two or three minutes")
        return await self._install(go)

    async def _install(self, go: str) -> Found | NotFound:
        bin_dir = self._environment.bin_dir
        bin_dir.mkdir(parents=True, exist_ok=True)
        # Built aside and renamed: what is in bin/ is always whole.
        with tempfile.TemporaryDirectory(dir=bin_dir, prefix=".go-") as folder:
            installed = await run_command(
                [go, "install", self._package],
                env={**self._environment.environ, "GOBIN": folder},
                deadline_s=_INSTALL_DEADLINE_S,
            )
            if installed.exit_status != 0:
                return NotFound(reason=installed.last_line[:200])
            try:
                os.replace(Path(folder) / "server", bin_dir / BINARY)
            except FileNotFoundError:
                return NotFound(reason="it built no program for this machine")
        return await checked_program(bin_dir / BINARY, "built with Go", self._environment)


def go_version(output: str) -> tuple[int, int] | None:
    """(1, 24) from the output of `go version`."""
    match = re.search(r"\bgo(\d+)\.(\d+)", output)
    return (int(match[1]), int(match[2])) if match else None


class Docker:
    """The official image under a running Docker engine."""

    name = "Docker"

    def __init__(self, environment: Environment, *, system: str | None = None) -> None:
        self._environment = environment
        self._system = system or platform.system()

    async def find(self, report: Callable[[str], None]) -> Found | NotFound:
        """Pulls the image when it is not there; the container is started later."""
        docker, environ = self._environment.which("docker"), self._environment.environ
        if docker is None:
            return NotFound(reason="not installed")
        if self._system != "Linux":
            return NotFound(reason="its engine shares this machine's network only on Linux")
        info = await run_command([docker, "info"], env=environ, deadline_s=_QUESTION_DEADLINE_S)
        if info.exit_status != 0:
            return NotFound(reason="its engine is not running")
        found = ServerInDocker(docker=docker, image=DOCKER_IMAGE, how="in Docker")
        inspect = [docker, "image", "inspect", DOCKER_IMAGE]
        have = await run_command(inspect, env=environ, deadline_s=_QUESTION_DEADLINE_S)
        if have.exit_status == 0:
            return found
        if self._environment.offline:
            return _OFFLINE
        report(f"pulling {DOCKER_IMAGE}")
        pulled = await run_command(
            [docker, "pull", "--quiet", DOCKER_IMAGE], env=environ, deadline_s=_INSTALL_DEADLINE_S
        )
        return found if pulled.exit_status == 0 else NotFound(reason=pulled.last_line[:200])


class ReleaseArchive:
    """The official release archive, unpacked into the tool cache."""

    name = "the official release"

    def __init__(self, environment: Environment, *, base_url: str = RELEASE_URL) -> None:
        self._environment = environment
        self._base_url = base_url

    async def find(self, report: Callable[[str], None]) -> Found | NotFound:
        """Downloads some 20 MB."""
        if self._environment.offline:
            return _OFFLINE
        system, machine = this_machine()
        release = Release(system=system, machine=machine, base_url=self._base_url)
        label = f"downloading {release.archive}"
        report(label)
        try:
            path = await fetch_server(
                release, self._environment.bin_dir, report=lambda text: report(f"{label}, {text}")
            )
        except ReleaseError as e:
            return NotFound(reason=str(e))
        return await checked_program(path, "from the official release", self._environment)
