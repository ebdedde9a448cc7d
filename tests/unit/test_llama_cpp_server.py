"""What can be said about a llama.cpp server without starting one; tests/models starts them."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from livekit.plugins import llama_cpp
from livekit.plugins.llama_cpp import LlamaServer, ServerOptions
from livekit.plugins.llama_cpp.diagnosis import check_file, why_it_failed
from livekit.plugins.speechcore import EngineError, EngineThread

OPTIONS = ServerOptions(model=Path("m.gguf"), port=8123, gpu_layers=20)


@pytest.mark.parametrize(
    ("answer", "log", "exit_code", "wanted"),
    [
        ("no GPU", "", 1, "gpu_layers is 20, but there is no GPU"),
        ("No module named 'xllamacpp'", "", 1, "install the 'llama' extra"),
        ("Failed", "couldn't bind HTTP server socket, hostname: 127.0.0.1", 1, "port 8123"),
        ("Failed", "unknown model architecture: 'foo'", 1, "does not know: update xllamacpp"),
        ("Failed", "cudaMalloc failed: out of memory", 1, "not enough memory for m.gguf"),
        ("Failed", "data is not within the file bounds, corrupted", 1, "m.gguf is truncated"),
        ("Failed", "something else", 1, "cannot load m.gguf"),
        ("", "", -signal.SIGKILL, "killed while it started, perhaps for lack of memory"),
        ("", "", -signal.SIGILL, "this processor cannot run"),
        ("", "", -signal.SIGSEGV, "crashed while it started (signal 11)"),
    ],
)
def test_a_server_that_does_not_start_says_why(
    answer: str, log: str, exit_code: int, wanted: str
) -> None:
    sentence = why_it_failed(OPTIONS, answer, log.splitlines(), exit_code)
    assert wanted in sentence
    assert "\n" not in sentence


def test_a_file_that_is_missing_or_foreign_is_told_before_anything_is_started(
    tmp_path: Path,
) -> None:
    assert "run `parley download`" in (check_file(tmp_path / "none.gguf") or "")
    assert "cannot be read" in (check_file(tmp_path) or "")
    (tmp_path / "zip.gguf").write_bytes(b"PK\3\4")
    assert "no GGUF file" in (check_file(tmp_path / "zip.gguf") or "")
    (tmp_path / "ok.gguf").write_bytes(b"GGUF\3")
    assert check_file(tmp_path / "ok.gguf") is None


@pytest.mark.parametrize(
    "wrong",
    [{"slots": 0}, {"context_tokens": 10}, {"gpu_layers": -1}, {"threads": 0}, {"niceness": -1}],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(EngineError, match=next(iter(wrong))):
        ServerOptions(model=Path("m.gguf"), **wrong)  # type: ignore[arg-type]


def test_a_server_that_was_never_started_is_stopped_without_complaint() -> None:
    server = LlamaServer(OPTIONS)
    server.stop()
    assert not server.is_running and server.wait() and server.url == ""


class DyingServer(llama_cpp.LlamaServer):
    """Dies at once, and starts again at the attempts that `starts` says."""

    def __init__(self, starts: list[bool]) -> None:
        super().__init__(OPTIONS)
        self.starts = starts
        self.runs_for = 0

    @property
    def is_running(self) -> bool:
        self.runs_for -= 1
        return self.runs_for >= 0

    def start(self, *, timeout_s: float = 120.0) -> None:
        if not self.starts.pop(0):
            raise EngineError("the model file is gone")
        self.runs_for = 2


async def test_a_server_that_dies_is_started_again_ever_later_until_it_runs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    waits: list[float] = []
    starts: list[int] = []

    async def sleep(duration_s: float) -> None:
        waits.append(duration_s)
        if len(waits) == 12:
            raise TimeoutError

    thread = EngineThread("test")
    server = DyingServer([*[False] * 8, True, True])
    with pytest.raises(TimeoutError):
        await llama_cpp.keep_running(
            server, thread, on_start=lambda: starts.append(len(waits)), sleep=sleep
        )
    thread.close()
    assert starts == [9], "whoever fills its slots is told of the start that succeeds"
    assert waits[:9] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert waits[9:12] == [0.25, 0.25, 0.5], "it watches, and begins anew once it has run"
    assert "the llama.cpp server does not start" in caplog.text


_WITHOUT_LIBRARIES = """
import sys, threading
for name in ("livekit.plugins.openai", "xllamacpp"):
    sys.modules[name] = None
from livekit.plugins import llama_cpp
from livekit.plugins.speechcore import EngineError, EngineThread
assert threading.active_count() == 1, threading.enumerate()
for use in (
    lambda: llama_cpp.LLM,
    lambda: llama_cpp.LlamaServer(llama_cpp.ServerOptions(model="m.gguf")).start(),
):
    try:
        use()
    except EngineError as e:
        print(e)
"""


@pytest.mark.timeout(60)  # livekit takes its time to be imported in another process
def test_without_its_libraries_it_is_imported_and_says_what_to_install() -> None:
    command = [sys.executable, "-c", _WITHOUT_LIBRARIES]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == [
        "livekit-plugins-openai is not installed: install the 'llama' extra",
        "xllamacpp is not installed: install the 'llama' extra",
    ]
