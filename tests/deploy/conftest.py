from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from agent.demo.ports import pick_server_ports
from agent.demo.server_config import server_config
from agent.ports import free_port
from tests.deploy import tools
from tests.deploy.recording import STEP_S, STEPS
from tests.stack.processes import KEYS, server_binary, stop, wait_until


@dataclass(frozen=True)
class Recorded:
    """A Prometheus that holds ten minutes of every metric, up to `end_s`."""

    url: str
    end_s: int

    def query(self, expr: str) -> list[str]:
        """What `expr` gives at the end, a line for each series."""
        options = ["query", "instant", f"--time={self.end_s}", self.url, expr]
        done = subprocess.run(
            [tools.prometheus("promtool"), *options], capture_output=True, text=True, timeout=20
        )
        assert done.returncode == 0, f"{expr}\n{done.stderr}"
        return done.stdout.split("\n")[:-1]


@pytest.fixture(scope="session")
def livekit_metrics(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a real LiveKit server without rooms tells Prometheus."""
    folder = tmp_path_factory.mktemp("livekit")
    port = free_port()
    config = yaml.safe_load(server_config(pick_server_ports("127.0.0.1"), KEYS))
    (folder / "livekit.yaml").write_text(yaml.safe_dump({**config, "prometheus": {"port": port}}))
    url = f"http://127.0.0.1:{port}/metrics"
    with running_livekit(folder / "livekit.yaml", folder / "log", url):
        return _text(url)


@pytest.fixture(scope="session")
def recorded(livekit_metrics: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    folder = tmp_path_factory.mktemp("prometheus")
    end_s = int(time.time()) // 60 * 60
    text = folder / "recorded.txt"
    recording = [sys.executable, "-m", "tests.deploy.recording", str(text), str(end_s)]
    subprocess.run(recording, check=True, timeout=60)
    whole = text.read_text().removesuffix("# EOF\n") + _over_time(livekit_metrics, end_s)
    text.write_text(whole + "# EOF\n")
    blocks = ["tsdb", "create-blocks-from", "openmetrics", str(text), str(folder / "data")]
    promtool = [tools.prometheus("promtool"), *blocks]
    subprocess.run(promtool, check=True, timeout=60, capture_output=True)
    (folder / "empty.yaml").write_text("{}")
    port = free_port()
    command = [
        tools.prometheus("prometheus"),
        f"--config.file={folder / 'empty.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with _running(command, folder / "log", f"http://127.0.0.1:{port}/-/ready"):
        yield Recorded(f"http://127.0.0.1:{port}", end_s)


def _over_time(exposition: str, end_s: int) -> str:
    """The unlabelled or labelled gauges of `exposition`, the same all the time."""
    lines = []
    for line in sorted(exposition.splitlines()):
        if not line.startswith(("livekit_room_total", "livekit_participant_total")):
            continue
        series, value = line.rsplit(" ", 1)
        name, _, labels = series.removesuffix("}").partition("{")
        where = ",".join(filter(None, [labels, 'instance="a"', 'job="livekit"']))
        times = range(end_s - (STEPS - 1) * STEP_S, end_s + 1, STEP_S)
        lines += [f"{name}{{{where}}} {value} {at_s}\n" for at_s in times]
    return "".join(lines)


@contextmanager
def running_livekit(config: Path, log: Path, url: str) -> Iterator[None]:
    """A LiveKit server with these settings, from when `url` answers on."""
    with _running([server_binary(), "--config", str(config)], log, url):
        yield


@contextmanager
def _running(command: list[str], log: Path, url: str) -> Iterator[None]:
    with log.open("wb") as output, tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
        try:
            wait_until(lambda: _answers(url), log, 30, process)
            yield
        finally:
            stop(process, timeout_s=2)  # LiveKit on Redis would take half a minute


def _answers(url: str) -> bool:
    try:
        return bool(_text(url))
    except OSError:
        return False


def _text(url: str) -> str:
    with urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())
