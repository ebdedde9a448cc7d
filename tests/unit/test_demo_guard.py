import os
import signal
import subprocess
from pathlib import Path

from agent.demo.guard import Guard, end_groups, leftovers


def test_what_was_watched_and_not_forgotten_is_left_over() -> None:
    lines = [b'{"group": 5}', b'{"group": 6}', b'{"command": ["a", "b"]}', b'{"forget": 5}']
    assert leftovers(lines) == ([6], [["a", "b"]])


def test_forgetting_what_was_never_watched_is_fine() -> None:
    assert leftovers([b'{"forget": 5}']) == ([], [])


def test_groups_that_have_ended_are_no_matter() -> None:
    ended = subprocess.Popen(["true"], start_new_session=True)
    ended.wait()
    end_groups([ended.pid])


def test_leaving_the_guard_ends_what_is_left_and_runs_what_was_asked_for(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as child:
        with Guard() as guard:
            guard.watch(child.pid)
            guard.at_end(["/no/such/program"])
            guard.at_end(["touch", str(tmp_path / "cleaned")])
        assert child.wait() == -signal.SIGKILL
    assert (tmp_path / "cleaned").exists()


def test_a_forgotten_group_lives_on() -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as child:
        with Guard() as guard:
            guard.watch(child.pid)
            guard.forget(child.pid)
        assert child.poll() is None
        os.kill(child.pid, signal.SIGKILL)
