"""llama.cpp's own server, from the `xllamacpp` wheel, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import subprocess  # nosec B404 # llama.cpp runs in a process of its own
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from livekit.plugins.speechcore import EngineError, EngineTimeout, end_child

from .diagnosis import check_file, why_it_failed
from .options import ServerOptions

logger = logging.getLogger(__package__)

_RUNNER = Path(__file__).with_name("runner.py")
_LOG_LINES = 40
_TOLD_LINES = 8
_POLL_S = 0.05


class LlamaServer:
    """A server on 127.0.0.1 that ends with this process, however this process ends.

    Every method blocks, and may be called from any thread, one at a time.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._log_reader: threading.Thread | None = None
        self._url = ""

    @property
    def options(self) -> ServerOptions:
        return self._options

    @property
    def url(self) -> str:
        """Where it listens, the same after a restart; empty before the first start."""
        return self._url

    @property
    def pid(self) -> int | None:
        """Of its process; None before a start and after `stop()`."""
        return self._process.pid if self._process is not None else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log_tail(self) -> list[str]:
        """The last lines of llama.cpp's log."""
        return list(self._log)

    def start(self, *, timeout_s: float = 120.0) -> None:
        """Returns once the model is loaded and /health says so; harmless when it runs.

        Raises EngineError with one sentence about what is wrong, EngineTimeout.
        """
        if self.is_running:
            return
        if find_spec("xllamacpp") is None:
            raise EngineError("xllamacpp is not installed: install the 'llama' extra")
        for path in filter(None, (self._options.model, self._options.draft_model)):
            if problem := check_file(path):
                raise EngineError(problem)
        self.stop()  # what is left of one that ended by itself
        deadline_s = time.monotonic() + timeout_s
        process = self._spawn()
        try:
            self._url = self._await_url(process, deadline_s)
            self._await_health(deadline_s)
        except BaseException:
            self.stop()
            raise
        # A restart listens where the calls know it.
        self._options = replace(self._options, port=urlsplit(self._url).port or 0)

    def stop(self, *, timeout_s: float = 5.0) -> None:
        """Cuts what is in work; harmless when repeated or never started."""
        process, self._process = self._process, None
        if process is None:
            return
        end_child(process, timeout_s=timeout_s)
        if self._log_reader is not None:
            self._log_reader.join()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Blocks until the server has ended by itself; False if it runs on after `timeout_s`."""
        process = self._process
        if process is None:
            return True
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _spawn(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # nosec B603 # our own file; the settings go by its input
            [sys.executable, "-P", str(_RUNNER)],  # -P: our modules must not shadow others'
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us to hear: calls are finished first
        )
        assert process.stdin is not None
        self._process = process
        self._log.clear()
        self._log_reader = threading.Thread(
            target=self._read_log, args=(process,), name="llama-log", daemon=True
        )
        self._log_reader.start()
        with contextlib.suppress(BrokenPipeError):  # it is gone already: its end is reported below
            process.stdin.write(json.dumps(self._config()).encode() + b"\n")
            process.stdin.flush()
        return process

    def _config(self) -> dict[str, object]:
        return {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asdict(self._options).items()
        }

    def _read_log(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                self._log.append(text)
                logger.debug("llama.cpp", extra={"lk.pii.line": text})

    def _await_url(self, process: subprocess.Popen[bytes], deadline_s: float) -> str:
        assert process.stdout is not None
        answer = b""
        while not answer.endswith(b"\n"):
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise EngineTimeout(
                    f"the llama.cpp server has not loaded {self._options.model} in time: "
                    "use a smaller model, or give it longer"
                )
            if select.select([process.stdout], [], [], left_s)[0]:
                piece = os.read(process.stdout.fileno(), 4096)
                if not piece:
                    break
                answer += piece
        said = json.loads(answer) if answer.endswith(b"\n") else {}
        if "url" in said:
            return str(said["url"])
        raise self._failure(process, str(said.get("error", "")))

    def _failure(self, process: subprocess.Popen[bytes], said: str) -> EngineError:
        """One sentence; the end of the log is a note of the exception."""
        exit_code = process.wait()
        if self._log_reader is not None:
            self._log_reader.join()
        error = EngineError(why_it_failed(self._options, said, self.log_tail, exit_code))
        if self._log:
            error.add_note("\n".join(["llama.cpp's log ends:", *self.log_tail[-_TOLD_LINES:]]))
        return error

    def _await_health(self, deadline_s: float) -> None:
        while time.monotonic() < deadline_s:
            # No proxy from the environment stands between us and this machine.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            try:
                with opener.open(f"{self._url}/health", timeout=1.0):
                    return
            except (urllib.error.URLError, TimeoutError):
                if not self.is_running:
                    raise EngineError("the llama.cpp server ended right after its start") from None
                time.sleep(_POLL_S)
        raise EngineTimeout("the llama.cpp server loaded its model but does not answer")
