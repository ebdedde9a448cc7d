"""Looks for a LiveKit server, the cheapest way first, and remembers why each way did not work."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.ports import is_free
from agent.private_files import Keys
from agent.token_check import Verdict, check_token

from .options import SERVER_VERSION, DemoError
from .processes import run_command

__all__ = [
    "Environment",
    "Found",
    "GivenServer",
    "InstalledServer",
    "NotFound",
    "OwnRunningServer",
    "ServerInDocker",
    "ServerProgram",
    "RunningServer",
    "Way",
    "checked_program",
    "find_server",
]

BINARY = "livekit-server"
_VERSION_DEADLINE_S = 10.0
_GIVEN_DEADLINE_S = 5.0


@dataclass(frozen=True, kw_only=True)
class RunningServer:
    """A server that runs already and takes our key; it is not ours to stop."""

    url: str
    keys: Keys
    how: str


@dataclass(frozen=True, kw_only=True)
class ServerProgram:
    """A livekit-server program to start."""

    path: Path
    how: str


@dataclass(frozen=True, kw_only=True)
class ServerInDocker:
    """An image to start a container of."""

    docker: str
    image: str
    how: str


Found = RunningServer | ServerProgram | ServerInDocker


@dataclass(frozen=True, kw_only=True)
class NotFound:
    """Why one way leads to no server, half a sentence."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What the ways look at."""

    environ: dict[str, str]
    bin_dir: Path
    """The tool cache's folder of programs."""
    offline: bool

    def which(self, name: str) -> str | None:
        """Path of a program on PATH."""
        return shutil.which(name, path=self.environ.get("PATH", ""))


class Way(Protocol):
    """One way to come by a server."""

    name: str
    """For the list of what was tried: "Homebrew"."""

    async def find(self, report: Callable[[str], None]) -> Found | NotFound:
        """Looks, and installs where that is this way's nature. `report` gets progress texts."""
        ...


class GivenServer:
    """The server of LIVEKIT_URL. A given server that cannot be used ends the search."""

    name = "LIVEKIT_URL"

    def __init__(self, url: str | None, keys: Keys | None) -> None:
        self._url = url
        self._keys = keys

    async def find(self, report: Callable[[str], None]) -> Found | NotFound:
        """Raises DemoError when a server is given and does not do."""
        if not self._url:
            return NotFound(reason="not set")
        if self._keys is None:
            raise DemoError(
                "LIVEKIT_URL is set but its key is not: set LIVEKIT_API_KEY and "
                "LIVEKIT_API_SECRET too, or unset LIVEKIT_URL to have a server started here."
            )
        report(f"asking {self._url}")
        try:
            check = await check_token(self._url, self._keys, deadline_s=_GIVEN_DEADLINE_S)
        except ValueError as e:
            raise DemoError(f"LIVEKIT_URL: {e}.") from e
        if not check.is_accepted:
            raise DemoError(_given_sentence(self._url, check.verdict, check.detail))
        return RunningServer(url=self._url, keys=self._keys, how="the one of LIVEKIT_URL")


class OwnRunningServer:
    """A server on the usual port that takes this checkout's key: one we left running."""

    name = "a server already running"

    def __init__(self, keys: Keys, *, port: int = 7880) -> None:
        self._keys = keys
        self._port = port

    async def find(self, report: Callable[[str], None]) -> Found | NotFound:
        """Quick: everything is on this machine."""
        url = f"ws://127.0.0.1:{self._port}"
        if is_free(self._port):
            return NotFound(reason=f"nothing answers on port {self._port}")
        check = await check_token(url, self._keys)
        if check.is_accepted:
            return RunningServer(url=url, keys=self._keys, how="already running")
        reason = {
            Verdict.REFUSED: f"the one on port {self._port} does not take our key",
            Verdict.NOT_LIVEKIT: f"what is on port {self._port} is not LiveKit",
        }.get(check.verdict, f"nothing answers on port {self._port}")
        return NotFound(reason=reason)


class InstalledServer:
    """`livekit-server` on PATH or in the tool cache."""

    name = "an installed livekit-server"

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    async def find(self, report: Callable[[str], None]) -> Found | NotFound:
        """The first that runs."""
        reasons = []
        for path, how in self._candidates():
            found = await checked_program(path, how, self._environment)
            if isinstance(found, ServerProgram):
                return found
            reasons.append(found.reason)
        return NotFound(reason="; ".join(reasons) or "neither on PATH nor in the tool cache")

    def _candidates(self) -> Iterable[tuple[Path, str]]:
        on_path = self._environment.which(BINARY)
        if on_path:
            yield Path(on_path), "on PATH"
        # `server` is what `go install` calls it.
        for name in (BINARY, "server"):
            path = self._environment.bin_dir / name
            if path.is_file():
                yield path, "in the tool cache"


async def checked_program(
    path: Path, how: str, environment: Environment
) -> ServerProgram | NotFound:
    """The program, once it has told its version: a broken or foreign one is found out here."""
    outcome = await run_command(
        [str(path), "--version"], env=environment.environ, deadline_s=_VERSION_DEADLINE_S
    )
    if outcome.exit_status != 0 or "livekit" not in outcome.output.lower():
        return NotFound(reason=f"{path} does not run ({outcome.last_line[:120]})")
    return ServerProgram(path=path, how=how)


async def find_server(ways: Iterable[Way], report: Callable[[str], None]) -> Found:
    """The first server the ways lead to. Raises DemoError that lists what was tried."""
    reasons = []
    for way in ways:
        found = await way.find(report)
        if not isinstance(found, NotFound):
            return found
        reasons.append(f"{way.name} ({found.reason})")
    raise DemoError(
        f"No LiveKit server was found. Tried: {', '.join(reasons)}. "
        f"Put livekit-server {SERVER_VERSION} on PATH, install Homebrew, Go or Docker, allow "
        "downloads, or set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET to a server's."
    )


def _given_sentence(url: str, verdict: Verdict, detail: str) -> str:
    if verdict is Verdict.REFUSED:
        return (
            f"The LiveKit server at {url} refused the key: correct LIVEKIT_API_KEY and "
            "LIVEKIT_API_SECRET (this machine's clock must be right, too)."
        )
    if verdict is Verdict.UNREACHABLE:
        return (
            f"No LiveKit server can be reached at {url} ({detail}): correct LIVEKIT_URL, "
            "or unset it to have a server started here."
        )
    return (
        f"What answers at {url} is not a LiveKit server ({detail}): correct LIVEKIT_URL, "
        "or unset it to have a server started here."
    )
