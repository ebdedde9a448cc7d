"""All calls of a worker know what one of them has found out about an engine."""

from __future__ import annotations

import fcntl
import json
import logging
import math
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from livekit.plugins.chains import BreakerChanged, Breakers, BreakerState, FileStore
from livekit.plugins.chains.events import ChainEvent
from livekit.plugins.chains.faults import Fault, FaultKind

BROKEN = Fault(FaultKind.UNREACHABLE, "no connection")
KEY = Fault(FaultKind.KEY, "does not take the key (status 401)")


@dataclass
class Clock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Worker:
    """`process()` gives the breakers as one more process of the worker has them."""

    process: Callable[[], Breakers]
    clock: Clock
    events: list[ChainEvent] = field(default_factory=list)


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    def process() -> Breakers:
        store = FileStore(tmp_path / "breakers.json")
        return Breakers(
            store, on_event=worker.events.append, clock=worker.clock, chance=lambda: 0.5
        )

    worker = Worker(process, Clock())
    return worker


def fail(breakers: Breakers, times: int = 3) -> None:
    for _ in range(times):
        breakers.of("one").failed(BROKEN)


def test_in_memory_an_engine_is_one_by_its_name() -> None:
    clock = Clock()
    breakers = Breakers(clock=clock, chance=lambda: 0.5)
    fail(breakers)
    assert not breakers.of("one").may_try() and breakers.of("two").may_try()
    clock.now_s += 5.0
    assert breakers.of("one").state is BreakerState.HALF_OPEN
    assert breakers.of("one").take_probe() and not breakers.of("one").take_probe()
    breakers.of("one").succeeded()
    assert breakers.of("one").may_try()


def test_faults_in_different_processes_add_up(worker: Worker) -> None:
    for _ in range(3):
        fail(worker.process(), times=1)
    assert not worker.process().of("one").may_try()


def test_another_process_knows_within_a_quarter_of_a_second(worker: Worker) -> None:
    one, two = worker.process(), worker.process()
    assert two.of("one").may_try()
    fail(one)
    worker.clock.now_s += 0.25
    assert not two.of("one").may_try()
    worker.clock.now_s += 5.0
    assert one.of("one").take_probe() and not two.of("one").take_probe()
    one.of("one").succeeded()
    worker.clock.now_s += 0.25
    assert two.of("one").may_try()


def test_an_answer_in_one_call_does_not_cut_short_what_another_one_was_told(worker: Worker) -> None:
    """The first call has not looked into the file since the second one was refused."""
    one, two = worker.process(), worker.process()
    one.of("one").failed(BROKEN)
    two.of("one").failed(Fault(FaultKind.RATE_LIMIT, "slower", 30.0))
    one.of("one").succeeded()
    worker.clock.now_s += 29.9
    assert not worker.process().of("one").may_try()
    assert worker.process().of("one").state is BreakerState.OPEN
    worker.clock.now_s += 3.2
    assert two.of("one").take_probe()
    two.of("one").succeeded()
    assert worker.process().of("one").may_try()


def test_every_change_is_told_once(worker: Worker) -> None:
    one, two = worker.process(), worker.process()
    fail(one, times=5)
    fail(two, times=2)
    worker.clock.now_s += 6.0
    two.of("one").succeeded()
    one.of("one").succeeded()
    assert worker.events == [
        BreakerChanged(name="one", state=BreakerState.OPEN, fault=BROKEN, open_s=5.0),
        BreakerChanged(name="one", state=BreakerState.CLOSED),
    ]


def test_a_refused_key_is_told_in_one_line(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            worker.process().of("one").failed(KEY)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert vars(caplog.records[0])["engine"] == "one"
    assert worker.process().of("one").probe_in_s() == math.inf


def test_a_worker_that_starts_anew_removes_the_file_and_tries_again(
    worker: Worker, tmp_path: Path
) -> None:
    breakers = worker.process()
    breakers.of("one").failed(KEY)
    (tmp_path / "breakers.json").unlink()
    worker.clock.now_s += 0.25
    assert breakers.of("one").may_try() and worker.process().of("one").may_try()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"one": {"until_s": 99',
        b"[1, 2]",
        b"\xff\xfe\x00",
        b'{"one": 3}',
        b'{"one": {"until_s": "soon"}}',
        b"null",
    ],
)
def test_a_torn_file_says_that_all_is_well_and_is_mended(
    worker: Worker, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "breakers.json"
    file.write_bytes(content)
    breakers = worker.process()
    assert breakers.of("one").may_try()
    fail(breakers)
    assert not worker.process().of("one").may_try()
    assert json.loads(file.read_text())["one"]["until_s"] == 1005.0


def test_where_nothing_can_be_written_a_process_keeps_to_what_it_saw(tmp_path: Path) -> None:
    clock = Clock()
    breakers = Breakers(FileStore(tmp_path / "missing" / "file"), clock=clock, chance=lambda: 0.5)
    fail(breakers)
    clock.now_s += 1.0
    assert not breakers.of("one").may_try()


def test_a_lock_that_is_held_for_ever_stops_nobody(worker: Worker, tmp_path: Path) -> None:
    breakers = worker.process()
    with open(tmp_path / "breakers.json.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fail(breakers)
        assert not breakers.of("one").may_try()
    assert not (tmp_path / "breakers.json").exists()


def test_health_is_written_only_when_it_changes(worker: Worker, tmp_path: Path) -> None:
    worker.process().of("one").succeeded()
    assert not (tmp_path / "breakers.json").exists()


def _fail_often(path: Path, times: int) -> None:
    breakers = Breakers(FileStore(path, patience_s=5.0))
    for number in range(times):
        breakers.of(f"engine {number}").failed(BROKEN)


def test_processes_that_write_at_once_lose_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "breakers.json"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_fail_often, args=(path, 20)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    table = FileStore(path).read(0.0)
    assert {len(breaker.failures) for breaker in table.values()} == {2}
    assert len(table) == 20
