from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.metrics_files import fold
from agent.metrics_server import exposition

COUNTING = """
import sys
from prometheus_client import Counter, Gauge, Histogram
Counter("events_total", "Events.", ["kind"]).labels("good").inc(2)
Histogram("length_seconds", "Lengths.", buckets=(1, 2)).observe(1.5)
Gauge("live", "Of those that live.", multiprocess_mode="livesum").set(5)
Gauge("state", "The newest.", ["of"], multiprocess_mode="mostrecent").labels("x").set(int(sys.argv[1]))
"""

KEEPING = """
import asyncio, os
from pathlib import Path
from prometheus_client import Counter
from agent.metrics_files import keep_own
from agent.metrics_server import exposition

folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
events = Counter("events_total", "Events.")
events.inc()

async def main():
    kept = keep_own(folder)
    for path in folder.glob("*.db"):
        path.unlink()  # as an AgentServer does
    events.inc()
    async with kept:
        events.inc()
        print(exposition(folder).decode())

asyncio.run(main())
"""


def run(folder: Path, code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=15,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def value(text: str, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.db")}


def test_what_ended_processes_have_counted_is_told_from_a_file_of_each_kind(tmp_path: Path) -> None:
    for number in ("1", "0", "7"):
        run(tmp_path, COUNTING, number)
    assert len(files(tmp_path)) == 12
    for _ in range(2):
        text = exposition(tmp_path).decode()
        assert value(text, "events_total", kind="good") == 6
        assert value(text, "length_seconds_count") == 3
        assert value(text, "length_seconds_sum") == 4.5
        assert value(text, "length_seconds_bucket", le="1.0") == 0
        assert value(text, "length_seconds_bucket", le="2.0") == 3
        assert value(text, "state", of="x") == 7
        assert value(text, "live") is None
        assert files(tmp_path) == {"counter_0.db", "histogram_0.db", "gauge_mostrecent_0.db"}
    run(tmp_path, COUNTING, "3")
    text = exposition(tmp_path).decode()
    assert value(text, "events_total", kind="good") == 8
    assert value(text, "state", of="x") == 3


def test_a_process_that_runs_keeps_its_files(tmp_path: Path) -> None:
    run(tmp_path, COUNTING, "1")
    before = files(tmp_path)
    fold(tmp_path, is_running=lambda pid: True)
    assert files(tmp_path) == before


def test_a_file_that_was_being_written_costs_only_its_own_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(tmp_path, COUNTING, "1")
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / f"counter_{gone.pid}.db").write_bytes(b"\x40\x00\x00\x00" + b"\x7f" * 60)
    assert value(exposition(tmp_path).decode(), "events_total", kind="good") == 2
    assert "cannot be read" in caplog.text
    assert f"counter_{gone.pid}.db" not in files(tmp_path)


def test_the_worker_itself_counts_on_after_livekit_has_emptied_the_folder(tmp_path: Path) -> None:
    assert value(run(tmp_path, KEEPING), "events_total") == 3


def test_the_worker_tells_its_own_memory(tmp_path: Path) -> None:
    memory = value(exposition(tmp_path).decode(), "process_resident_memory_bytes")
    assert memory is not None
    assert memory > 10e6
