from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from agent.local.slots import SlotLock, is_any_held


def test_calls_get_different_slots_until_there_are_none(tmp_path: Path) -> None:
    calls = [SlotLock(tmp_path / "slots", 2) for _ in range(3)]
    assert [call.take() for call in calls] == [0, 1, None]
    for call in calls:
        call.release()


def test_a_slot_is_free_again_when_its_call_is_over(tmp_path: Path) -> None:
    first, second = SlotLock(tmp_path, 1), SlotLock(tmp_path, 1)
    first.take()
    first.release()
    first.release()
    assert second.take() == 0
    second.release()


def test_taking_twice_is_the_same_slot(tmp_path: Path) -> None:
    call = SlotLock(tmp_path, 2)
    assert call.take() == call.take() == 0
    call.release()


def test_a_process_that_is_killed_lets_go(tmp_path: Path) -> None:
    program = (
        "import os, signal; from pathlib import Path; from agent.local.slots import SlotLock\n"
        f"assert SlotLock(Path({str(tmp_path)!r}), 1).take() == 0\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    call = SlotLock(tmp_path, 1)
    assert call.take() == 0
    call.release()


def test_that_a_call_holds_a_slot_is_seen_by_others_and_takes_none(tmp_path: Path) -> None:
    assert not is_any_held(tmp_path, 2)
    calls = [SlotLock(tmp_path, 2) for _ in range(2)]
    assert [call.take() for call in calls] == [0, 1]
    calls[0].release()
    assert is_any_held(tmp_path, 2)
    calls[1].release()
    assert not is_any_held(tmp_path, 2)
    assert calls[0].take() == 0
    calls[0].release()
