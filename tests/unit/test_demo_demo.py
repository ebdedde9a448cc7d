"""The whole demo in a process of its own, with a stand-in for the worker and for livekit-server."""

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.ports import is_free, pick_port
from agent.private_files import read_env
from tests.fakes.livekit_http import http_server, livekit_app

DRIVER = """
import json, os, sys
from pathlib import Path
from agent.demo import DemoOptions, run_demo
given = json.loads(sys.argv[1])
for name in ("root", "cache_dir", "dist"):
    given[name] = Path(given[name])
sys.exit(run_demo(DemoOptions(environ=dict(os.environ), **given)))
"""

WORKER = """
import http.server, os, pathlib, sys
print("worker pid", os.getpid(), flush=True)
class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", int(os.environ["AGENT_HEALTH_PORT"])), Healthy)
pathlib.Path(os.environ["PARLEY_READY_FILE"]).touch()
server.serve_forever()
"""


@dataclass
class Demo:
    """A demo that was started."""

    process: asyncio.subprocess.Process
    root: Path
    output: str = ""

    async def up_to(self, text: str) -> None:
        """Reads its output until `text` was shown or it has ended."""
        assert self.process.stdout is not None
        while text not in self.output and (line := await self.process.stdout.readline()):
            self.output += line.decode()
        assert text in self.output, self.output

    async def end(self) -> int:
        rest, _ = await self.process.communicate()
        self.output += rest.decode()
        assert self.process.returncode is not None
        return self.process.returncode

    @property
    def worker_pid(self) -> int:
        return int((self.root / ".parley/logs/worker.log").read_text().split()[2])


@asynccontextmanager
async def started(root: Path, url: str, **more: object) -> AsyncIterator[Demo]:
    given = {
        "root": str(root),
        "cache_dir": str(root / "cache"),
        "dist": str(root / "dist"),
        "livekit_url": url,
        "api_key": "ours",
        "api_secret": "o" * 40,
        "worker_command": [sys.executable, "-c", WORKER],
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", DRIVER, json.dumps(given)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "COLUMNS": "400"},
    )
    try:
        yield Demo(process, root)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.fixture
async def livekit() -> AsyncIterator[str]:
    async with http_server(livekit_app("ours", "o" * 40)) as url:
        yield url.replace("http:", "ws:")


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A checkout whose page is built."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_text("<title>page</title>")
    return tmp_path


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_it_prints_one_url_leaves_its_address_and_takes_everything_back_at_ctrl_c(
    built: Path, livekit: str
) -> None:
    async with started(built, livekit) as demo:
        await demo.up_to("Ctrl-C stops")
        env_file = built / ".parley" / "demo.env"
        env = read_env(env_file)
        assert f"Talk to the agent:  {env['PARLEY_WEB_URL']}" in demo.output
        assert env["LIVEKIT_URL"] == livekit
        assert (env["LIVEKIT_API_KEY"], env["LIVEKIT_API_SECRET"]) == ("ours", "o" * 40)
        assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
        demo.process.send_signal(signal.SIGINT)
        assert await demo.end() == 0
    assert not env_file.exists()
    assert is_gone(demo.worker_pid)
    assert is_free(int(env["PARLEY_WEB_URL"].rpartition(":")[2]))
    assert "Traceback" not in demo.output
    assert "o" * 40 not in demo.output


async def test_a_second_start_in_the_same_checkout_is_refused_with_the_running_url(
    built: Path, livekit: str
) -> None:
    async with started(built, livekit) as first:
        await first.up_to("Ctrl-C stops")
        url = read_env(built / ".parley" / "demo.env")["PARLEY_WEB_URL"]
        async with started(built, livekit) as second:
            assert await second.end() == 1
        assert f"already running in this checkout at {url}" in second.output
        assert (built / ".parley" / "demo.env").exists()
        first.process.send_signal(signal.SIGTERM)
        assert await first.end() == 0


async def test_a_worker_that_ends_takes_the_demo_down_with_its_last_words(
    built: Path, livekit: str
) -> None:
    command = [sys.executable, "-c", "import sys; print('no skills file'); sys.exit(3)"]
    async with started(built, livekit, worker_command=command) as demo:
        assert await demo.end() == 1
    assert "The worker ended (exit status 3)" in demo.output
    assert "no skills file" in demo.output
    assert "Traceback" not in demo.output
    assert not (built / ".parley" / "demo.env").exists()


async def test_a_worker_that_is_killed_later_takes_the_demo_down_too(
    built: Path, livekit: str
) -> None:
    async with started(built, livekit) as demo:
        await demo.up_to("Ctrl-C stops")
        os.kill(demo.worker_pid, signal.SIGKILL)
        assert await demo.end() == 1
    assert "The worker ended (killed by SIGKILL)" in demo.output
    assert not (built / ".parley" / "demo.env").exists()


async def test_without_the_page_it_says_how_to_join_otherwise(tmp_path: Path, livekit: str) -> None:
    async with started(tmp_path, livekit) as demo:
        await demo.up_to("Ctrl-C stops")
        assert "lk room join" in demo.output
        assert "Node.js 20" in demo.output
        demo.process.send_signal(signal.SIGINT)
        assert await demo.end() == 0


async def test_ctrl_c_before_it_is_up_ends_it_with_the_usual_status(
    built: Path, livekit: str
) -> None:
    command = [sys.executable, "-c", "import time; print('x', flush=True); time.sleep(600)"]
    async with started(built, livekit, worker_command=command) as demo:
        await demo.up_to("LiveKit server  the one of LIVEKIT_URL")
        demo.process.send_signal(signal.SIGINT)
        assert await demo.end() == 130
    assert "Traceback" not in demo.output


async def test_a_refused_key_is_one_sentence(built: Path) -> None:
    async with (
        http_server(livekit_app("ours", "another-secret-" * 3)) as url,
        started(built, url) as demo,
    ):
        assert await demo.end() == 1
    assert demo.output.splitlines()[-1].startswith("✗ The LiveKit server at ")
    assert "refused the key" in demo.output


async def test_a_set_port_that_is_taken_is_one_sentence_with_the_setting(
    built: Path, livekit: str
) -> None:
    taken = int(livekit.rpartition(":")[2])
    async with started(built, livekit, web_port=taken) as demo:
        assert await demo.end() == 1
    assert "AGENT_WEB_PORT" in demo.output
    assert "Traceback" not in demo.output


async def test_for_phones_it_shows_https_a_code_and_a_warning(built: Path, livekit: str) -> None:
    port = pick_port(20000)
    more = {"lan": True, "lan_address": "127.0.0.1", "web_port": port}
    async with started(built, livekit, **more) as demo:
        await demo.up_to("Ctrl-C stops")
        demo.process.send_signal(signal.SIGINT)
        assert await demo.end() == 0
    assert f"https://127.0.0.1:{port}" in demo.output
    assert "█▀▀▀▀▀█" in demo.output
    assert "Anybody on this network" in demo.output
