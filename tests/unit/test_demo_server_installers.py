"""Homebrew, Go and Docker are stood in for by scripts of the same name: none is on every machine."""

import asyncio
from pathlib import Path

import pytest

from agent.demo.server_finder import Environment, NotFound, ServerInDocker, ServerProgram, Way
from agent.demo.server_installers import (
    DOCKER_IMAGE,
    Docker,
    Go,
    Homebrew,
    ReleaseArchive,
    go_version,
)
from tests.fakes.eventually import eventually

SERVER = "#!/bin/sh\\necho livekit-server version 1.11.0\\n"


class Machine:
    """A PATH of its own, with scripts that note how they were called."""

    def __init__(self, folder: Path) -> None:
        self.path, self.bin_dir, self.calls_file = folder / "p", folder / "bin", folder / "calls"
        self.path.mkdir()

    def has(self, name: str, script: str) -> None:
        program = self.path / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.calls_file}\n{script}\n')
        program.chmod(0o755)

    def environment(self, *, offline: bool = False) -> Environment:
        environ = {"PATH": f"{self.path}:/usr/bin:/bin", "PREFIX": str(self.path.parent / "brew")}
        return Environment(environ=environ, bin_dir=self.bin_dir, offline=offline)

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def silent(text: str) -> None:
    """A report nobody reads."""


def reason(found: object) -> str:
    assert isinstance(found, NotFound)
    return found.reason


BREW = f"""
case $1 in
  install) mkdir -p $PREFIX/bin && printf '{SERVER}' > $PREFIX/bin/livekit-server &&
           chmod +x $PREFIX/bin/livekit-server;;
  --prefix) echo $PREFIX;;
esac
"""

GO = f"""
case $1 in
  version) echo go version go1.24.1 linux/amd64;;
  install) printf '{SERVER}' > $GOBIN/server && chmod +x $GOBIN/server;;
esac
"""


async def test_homebrew_installs_the_server(machine: Machine, tmp_path: Path) -> None:
    machine.has("brew", BREW)
    found = await Homebrew(machine.environment()).find(silent)
    expected = tmp_path / "brew" / "bin" / "livekit-server"
    assert found == ServerProgram(path=expected, how="from Homebrew")
    assert machine.calls == ["brew install livekit", "brew --prefix"]


async def test_a_failing_homebrew_gives_its_last_words_as_reason(machine: Machine) -> None:
    machine.has("brew", "echo some output; echo Error: no network >&2; exit 1")
    assert reason(await Homebrew(machine.environment()).find(silent)) == "Error: no network"


async def test_go_builds_into_the_tool_cache_under_the_usual_name(machine: Machine) -> None:
    machine.has("go", GO)
    found = await Go(machine.environment()).find(silent)
    assert found == ServerProgram(path=machine.bin_dir / "livekit-server", how="built with Go")
    package = "github.com/livekit/livekit-server/cmd/server@v1.11.0"
    assert machine.calls == ["go version", f"go install {package}"]
    assert [path.name for path in machine.bin_dir.iterdir()] == ["livekit-server"]


async def test_a_go_that_is_too_old_is_not_tried(machine: Machine) -> None:
    machine.has("go", "echo go version go1.19.8 linux/amd64")
    assert "Go 1.19 is too old" in reason(await Go(machine.environment()).find(silent))
    assert machine.calls == ["go version"]


@pytest.mark.parametrize(
    "script",
    [
        "[ $1 = version ] && echo go version go1.24.1 || { echo dial tcp: lookup failed; exit 1; }",
        "[ $1 = version ] && echo go version go1.24.1 || { touch $GOBIN/half; exit 1; }",
        "echo go version go1.24.1",
        "exit 2",
    ],
)
async def test_a_failed_build_leaves_nothing(machine: Machine, script: str) -> None:
    machine.has("go", script)
    assert reason(await Go(machine.environment()).find(silent))
    assert not machine.bin_dir.exists() or list(machine.bin_dir.iterdir()) == []


async def test_an_interrupted_build_is_killed_and_leaves_nothing(machine: Machine) -> None:
    machine.has(
        "go", "[ $1 = version ] && echo go version go1.24.1 || { touch $GOBIN/x; sleep 60; }"
    )
    build = asyncio.create_task(Go(machine.environment()).find(silent))
    await eventually(lambda: list(machine.path.parent.glob("bin/.go-*/x")))
    build.cancel()
    with pytest.raises(asyncio.CancelledError):
        await build
    assert list(machine.bin_dir.iterdir()) == []


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("go version go1.24.1 linux/amd64", (1, 24)),
        ("go version go1.26rc1 darwin/arm64", (1, 26)),
        ("go version devel +abc", None),
        ("", None),
    ],
)
def test_go_tells_its_version(output: str, version: tuple[int, int] | None) -> None:
    assert go_version(output) == version


DOCKER = """
case "$1 $2" in
  "info "*) exit ${INFO:-0};;
  "image inspect") exit 1;;
esac
"""


async def test_docker_pulls_the_image_that_is_not_there(machine: Machine) -> None:
    machine.has("docker", DOCKER)
    found = await Docker(machine.environment(), system="Linux").find(silent)
    docker = str(machine.path / "docker")
    assert found == ServerInDocker(docker=docker, image=DOCKER_IMAGE, how="in Docker")
    assert machine.calls[-1] == f"docker pull --quiet {DOCKER_IMAGE}"


async def test_docker_without_a_running_engine_is_a_reason(machine: Machine) -> None:
    machine.has("docker", "exit 1")
    found = await Docker(machine.environment(), system="Linux").find(silent)
    assert reason(found) == "its engine is not running"


async def test_docker_is_used_only_where_containers_share_the_network(machine: Machine) -> None:
    machine.has("docker", "exit 0")
    found = await Docker(machine.environment(), system="Darwin").find(silent)
    assert "only on Linux" in reason(found)


async def test_an_image_that_is_there_is_used_offline(machine: Machine) -> None:
    machine.has("docker", "exit 0")
    found = await Docker(machine.environment(offline=True), system="Linux").find(silent)
    assert isinstance(found, ServerInDocker)
    assert not any("pull" in call for call in machine.calls)


async def test_offline_nothing_is_downloaded(machine: Machine) -> None:
    machine.has("brew", BREW)
    machine.has("go", GO)
    machine.has("docker", DOCKER)
    environment = machine.environment(offline=True)
    ways: list[Way] = [
        Homebrew(environment),
        Go(environment),
        Docker(environment, system="Linux"),
        ReleaseArchive(environment, base_url="http://127.0.0.1:1"),
    ]
    for way in ways:
        assert reason(await way.find(silent)) == "PARLEY_OFFLINE is set"
    assert not any("install" in call or "pull" in call for call in machine.calls)


async def test_tools_that_are_not_there_are_a_reason(tmp_path: Path) -> None:
    environment = Environment(environ={"PATH": str(tmp_path)}, bin_dir=tmp_path, offline=False)
    for way in (Homebrew(environment), Go(environment), Docker(environment, system="Linux")):
        assert reason(await way.find(silent)) == "not installed"


async def test_an_unreachable_release_is_a_reason(machine: Machine) -> None:
    way = ReleaseArchive(machine.environment(), base_url="http://127.0.0.1:1")
    assert "cannot be reached" in reason(await way.find(silent))
