import os
from pathlib import Path

import pytest

from agent.demo.lock import DemoLock
from agent.demo.options import DemoError


def test_a_second_demo_is_told_where_the_first_one_is(tmp_path: Path) -> None:
    path = tmp_path / "demo.lock"
    with DemoLock(path) as lock:
        lock.note(url="http://127.0.0.1:8080")
        with pytest.raises(DemoError) as refused, DemoLock(path):
            pass
    assert "http://127.0.0.1:8080" in str(refused.value)
    assert str(os.getpid()) in str(refused.value)


def test_a_demo_that_is_still_starting_is_said_to_be(tmp_path: Path) -> None:
    with DemoLock(tmp_path / "l"), pytest.raises(DemoError, match="still starting"):
        DemoLock(tmp_path / "l").__enter__()


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with DemoLock(tmp_path / "l"):
            pass


def test_what_a_killed_demo_left_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "demo.lock"
    path.write_text('{"pid": 1, "url": "http://127.0.0.1:1"}')
    with DemoLock(path):
        assert str(os.getpid()) in path.read_text()
    assert path.read_text() == ""


def test_an_unreadable_note_still_refuses_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "demo.lock"
    with DemoLock(path):
        path.write_text("?")
        with pytest.raises(DemoError, match="already running"):
            DemoLock(path).__enter__()
