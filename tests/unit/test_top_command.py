from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rich.console import Console

from agent.config import ConfigError, Settings
from agent.ports import free_port
from agent.top import TopOptions, run_top
from agent.top.command import metrics_url
from tests.fakes.exposition import worker_page


@dataclass
class Site:
    """A page on loopback that a test changes."""

    url: str
    body: str
    status: int = 200
    calls: str = '{"calls": []}'
    """What is at `/calls`; nothing for an empty string."""


@contextlib.contextmanager
def site(body: str, status: int = 200) -> Iterator[Site]:
    page = Site("", body, status)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_calls = self.path == "/calls"
            self.send_response(404 if is_calls and not page.calls else page.status)
            self.end_headers()
            self.wfile.write((page.calls if is_calls else page.body).encode())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    page.url = f"http://127.0.0.1:{server.server_address[1]}/metrics"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield page
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def shown(worker: str, model_server: str | None = None) -> tuple[int, str, str]:
    """The exit status, what is on the screen, and the complaints."""
    screen, complaints = io.StringIO(), io.StringIO()
    options = TopOptions(worker=worker, model_server=model_server, once=True)
    consoles = [Console(file=file, width=200) for file in (screen, complaints)]
    return run_top(options, *consoles), screen.getvalue(), complaints.getvalue()


def test_a_workers_calls_turns_and_times_are_on_one_screen() -> None:
    body = worker_page(
        calls=3, responses_s=(0.32,) * 4, failed=1, open_breaker="tts:bad", is_full=True
    )
    with site(body) as page:
        status, screen, complaints = shown(page.url)
    assert (status, complaints) == (0, "")
    assert "3 full" in screen
    assert "answered 4  failed 1" in screen
    assert "p50 350 ms" in screen
    assert "since its start, 4 answers" in screen
    assert "tts:bad" in screen
    assert "calls 1200 MB" in screen


def test_below_them_is_a_row_for_each_call() -> None:
    told = {"call": "AJ_1", "room": "kitchen", "age_s": 61, "turns": 2, "state": "thinking"}
    with site(worker_page(calls=1)) as page:
        page.calls = json.dumps({"calls": [told | {"response_s": 0.5, "resident_bytes": 2e8}]})
        _, screen, _ = shown(page.url)
        page.calls = ""
        status, without, complaints = shown(page.url)
    (row,) = [line.split() for line in screen.splitlines() if "kitchen" in line]
    assert row == ["1", "kitchen", "1:01", "2", "thinking", "500", "ms", "200", "MB"]
    assert (status, complaints) == (0, "")
    assert "on the worker's own machine only" in without


def test_nobody_at_the_address_is_told_in_a_sentence() -> None:
    port = free_port()
    status, screen, complaints = shown(f"http://127.0.0.1:{port}/metrics")
    assert (status, screen) == (1, "")
    assert f"No worker answers at http://127.0.0.1:{port}/metrics" in complaints
    assert "parley start" in complaints


@pytest.mark.parametrize(
    ("body", "http_status", "sentence"),
    [
        ("<html>hello</html>", 200, "are no metrics"),
        ("up 1\n", 200, "is no worker"),
        ("", 404, "(status 404)"),
    ],
)
def test_somebody_else_at_the_address_is_told_in_a_sentence(
    body: str, http_status: int, sentence: str
) -> None:
    with site(body, http_status) as page:
        status, _, complaints = shown(page.url)
    assert status == 1
    assert sentence in complaints


def test_a_model_server_that_does_not_answer_is_named_as_such() -> None:
    with site(worker_page()) as page:
        status, _, complaints = shown(page.url, f"http://127.0.0.1:{free_port()}/metrics")
    assert status == 1
    assert "No model server answers" in complaints


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("localhost:9090", "http://localhost:9090/metrics"),
        ("http://10.0.0.7:9090/", "http://10.0.0.7:9090/metrics"),
        ("https://metrics.example.com/worker", "https://metrics.example.com/worker"),
        ("[::1]:9090", "http://[::1]:9090/metrics"),
    ],
)
def test_addresses_are_taken_as_people_write_them(address: str, url: str) -> None:
    assert metrics_url("--worker", address) == url


@pytest.mark.parametrize("address", ["", "ftp://host", "host:port", "http://", "host:99999"])
def test_a_wrong_address_is_a_sentence(address: str) -> None:
    with pytest.raises(ConfigError, match="--worker"):
        metrics_url("--worker", address)


def test_the_worker_of_the_settings_is_looked_at_by_default() -> None:
    anywhere = Settings.model_validate({"agent_host": "0.0.0.0", "agent_metrics_port": 9191})
    assert TopOptions.of(anywhere, None, None, once=True).worker == "http://127.0.0.1:9191/metrics"
    without = Settings.model_validate({"agent_metrics_port": 0})
    with pytest.raises(ConfigError, match="AGENT_METRICS_PORT"):
        TopOptions.of(without, None, None, once=True)


@pytest.mark.timeout(60)
def test_ctrl_c_ends_the_live_view_quietly_and_leaves_the_terminal_as_it_was() -> None:
    with site(worker_page(calls=1)) as page:
        main, side = pty.openpty()
        command = [sys.executable, "-m", "agent", "top", "--worker", page.url]
        process = subprocess.Popen(command, stdin=side, stdout=side, stderr=side)
        os.close(side)
        try:
            output = _read_until(main, b"calls")
            process.send_signal(signal.SIGINT)
            output += _read_until(main, None)
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()
            os.close(main)
    assert b"\x1b[?1049h" in output  # the alternate screen, and back from it
    assert b"\x1b[?1049l" in output
    assert b"Traceback" not in output


def _read_until(terminal: int, word: bytes | None) -> bytes:
    """What comes until `word` is among it; None for all until the other side ends."""
    output = b""
    while word is None or word not in output:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # how Linux tells that nobody has the other side any more
            break
        if not part:
            break
        output += part
    return output
