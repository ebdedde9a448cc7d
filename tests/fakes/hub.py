"""A Hugging Face hub on loopback: what a download asks of one, and the ways it can fail."""

from __future__ import annotations

import functools
import hashlib
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from agent.weights import Catalogue, Model, load_catalogue

REVISION = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_of_the_tests"

_LARGE_BYTES = 100_000
"""From here on files are stored elsewhere, as the hub does with what Git LFS tracks."""

Contents = dict[str, dict[str, bytes]]
"""Files of models by name."""


@dataclass(frozen=True)
class Asked:
    """A request for a file's content."""

    path: str
    range: str | None
    token: str | None


@dataclass
class FakeHub:
    """The server; set its fields to make it fail."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    """Content by path, `owner/name/resolve/revision/file`."""
    asked: list[Asked] = field(default_factory=list)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    """Statuses and error codes of the next answers."""
    cuts: list[int] = field(default_factory=list)
    """Lengths after which the next downloads break off."""
    resumes: bool = True
    tells_length: bool = True
    hold: threading.Event = field(default_factory=threading.Event)
    """While it is clear, downloads stop in the middle."""
    held: threading.Event = field(default_factory=threading.Event)
    """Set when one stopped there."""

    def publish(self, catalogue: Catalogue, contents: Contents) -> None:
        for model in catalogue.models:
            for file in model.files:
                path = f"{model.hub}/resolve/{model.revision}/{file.source}"
                self.files[path] = contents[model.name][file.name]


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Serves until the end of the block; all its threads end there."""
    hub = FakeHub()
    hub.hold.set()
    server = _Server(("127.0.0.1", 0), hub)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        hub.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def plain_session(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """huggingface_hub without the developer's proxies and token; gives the hosts it connects to."""
    from huggingface_hub import close_session

    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    close_session()  # the next one reads the proxies anew
    with _connections() as hosts:
        yield hosts
    close_session()


def catalogue_of(folder: Path, contents: Contents) -> Catalogue:
    """A catalogue, written to `folder/catalogue.yaml` and read from there, of models like these."""
    models = {name: _entry(name, files) for name, files in contents.items()}
    path = folder / "catalogue.yaml"
    path.write_text(
        yaml.safe_dump({"profiles": {"local": list(models)}, "models": models}, sort_keys=False)
    )
    return load_catalogue(path)


def only(catalogue: Catalogue) -> Model:
    """The one model of a catalogue."""
    (model,) = catalogue.models
    return model


def _entry(name: str, files: dict[str, bytes]) -> dict[str, Any]:
    return {
        "stage": "stt",
        "licence": "MIT",
        "languages": ["en"],
        "extra": "whisper",
        "hub": f"makers/{name.partition(':')[2]}",
        "revision": REVISION,
        "files": {
            file: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for file, content in files.items()
        },
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for them

    def __init__(self, address: tuple[str, int], hub: FakeHub) -> None:
        super().__init__(address, _Handler)
        self.hub = hub

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that hung up
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        hub, path = self.server.hub, urlsplit(self.path).path.lstrip("/")
        stored = re.match("cdn/(.*)", path)
        if stored is None:
            token = (self.headers["Authorization"] or "").removeprefix("Bearer ") or None
            hub.asked.append(Asked(path, self.headers["Range"], token))
        else:
            assert "Authorization" not in self.headers, "the token left the hub"
            path = stored[1]
        content = hub.files.get(path)
        if hub.refusals:
            self._refuse(*hub.refusals.pop(0))
        elif content is None:
            self._refuse(404, "EntryNotFound")
        elif stored is None and len(content) >= _LARGE_BYTES:
            self._redirect(path)
        else:
            self._send(content)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _redirect(self, path: str) -> None:
        """To another host, where the token must not go."""
        self.send_response(302)
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("Location", f"http://localhost:{self.server.server_port}/cdn/{path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, content: bytes) -> None:
        hub, asked = self.server.hub, self.headers["Range"]
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and hub.resumes else 0
        self.send_response(206 if start else 200)
        if hub.tells_length:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = start + hub.cuts.pop(0) if hub.cuts else len(content)
        middle = end if hub.hold.is_set() else (start + end) // 2
        self.wfile.write(content[start:middle])
        if middle < end:
            hub.held.set()
            hub.hold.wait()
            self.wfile.write(content[middle:end])

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@contextmanager
def _connections() -> Iterator[list[str]]:
    hosts: list[str] = []
    watching = _watching()
    watching.append(hosts)
    try:
        yield hosts
    finally:
        watching.remove(hosts)


@functools.cache  # once: an audit hook cannot be taken out again
def _watching() -> list[list[str]]:
    watching: list[list[str]] = []

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            for hosts in watching:
                hosts.append(arguments[1][0])

    sys.addaudithook(note)
    return watching
