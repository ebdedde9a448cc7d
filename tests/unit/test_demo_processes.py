import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.demo.guard import Guard
from agent.demo.processes import Child, describe_exit, last_lines, run_command, start_child
from tests.fakes.eventually import eventually


@pytest.fixture
def guard() -> Iterator[Guard]:
    with Guard() as guard:
        yield guard


@asynccontextmanager
async def child_of(script: str, tmp_path: Path, guard: Guard) -> AsyncIterator[Child]:
    """A shell script as a child, once it has written "ready"."""
    log = tmp_path / "logs" / "child.log"
    command = ["sh", "-c", script]
    child = await start_child("the child", command, env=os.environ, log_path=log, guard=guard)
    try:
        await eventually(lambda: "ready" in log.read_text())
        yield child
    finally:
        hurry = asyncio.Event()
        hurry.set()
        await child.stop(patience_s=0, hurry=hurry)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A killed grandchild may wait as a zombie for this container's init.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


async def gone(pid: int) -> bool:
    return await eventually(lambda: not is_alive(pid))


async def test_a_child_that_listens_to_sigterm_ends_orderly(tmp_path: Path, guard: Guard) -> None:
    script = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done"
    async with child_of(script, tmp_path, guard) as child:
        await child.stop(patience_s=10, hurry=asyncio.Event())
        assert await child.wait() == 7
        assert last_lines(child.log_path, 5) == ["ready", "bye"]
        assert child.log_path.stat().st_mode & 0o777 == 0o600


async def test_a_child_that_takes_the_first_sigterm_as_a_hint_gets_a_second(
    tmp_path: Path, guard: Guard
) -> None:
    script = (
        "n=0; trap 'n=$((n+1)); [ $n -ge 2 ] && exit 7' TERM; echo ready; "
        "while :; do sleep 0.01; done"
    )
    async with child_of(script, tmp_path, guard) as child:
        await child.stop(patience_s=0.4, hurry=asyncio.Event())
        assert await child.wait() == 7


async def test_a_child_that_does_not_listen_is_killed_with_all_it_started(
    tmp_path: Path, guard: Guard
) -> None:
    script = "trap '' TERM; sleep 600 & echo $! ready; wait; sleep 600"
    async with child_of(script, tmp_path, guard) as child:
        grandchild = int(last_lines(child.log_path, 1)[0].split()[0])
        await child.stop(patience_s=0.1, hurry=asyncio.Event())
        assert await child.wait() == -signal.SIGKILL
        assert await gone(grandchild)


async def test_what_an_orderly_child_leaves_behind_is_ended_too(
    tmp_path: Path, guard: Guard
) -> None:
    async with child_of("sleep 600 & echo $! ready; wait", tmp_path, guard) as child:
        grandchild = int(last_lines(child.log_path, 1)[0].split()[0])
        await child.stop(patience_s=10, hurry=asyncio.Event())
        assert await gone(grandchild)


async def test_in_a_hurry_nothing_is_waited_for(tmp_path: Path, guard: Guard) -> None:
    async with child_of("trap '' TERM; echo ready; sleep 600", tmp_path, guard) as child:
        hurry = asyncio.Event()
        stopping = asyncio.create_task(child.stop(patience_s=600, hurry=hurry))
        await asyncio.sleep(0)
        hurry.set()
        async with asyncio.timeout(5):
            await stopping


async def test_stopping_twice_is_fine(tmp_path: Path, guard: Guard) -> None:
    async with child_of("echo ready; sleep 600", tmp_path, guard) as child:
        await child.stop(patience_s=5, hurry=asyncio.Event())
        await child.stop(patience_s=5, hurry=asyncio.Event())


async def test_a_program_that_is_not_there_cannot_be_started(tmp_path: Path, guard: Guard) -> None:
    with pytest.raises(FileNotFoundError):
        await start_child("x", ["/no/such"], env={}, log_path=tmp_path / "l", guard=guard)


async def test_a_command_gives_its_output_and_status() -> None:
    outcome = await run_command(["sh", "-c", "echo a; echo b >&2; exit 3"], env={}, deadline_s=5)
    assert (outcome.exit_status, outcome.last_line) == (3, "b")


async def test_a_command_past_its_deadline_is_killed() -> None:
    outcome = await run_command(["sleep", "60"], env=os.environ, deadline_s=0.05)
    assert outcome.exit_status == 124
    assert outcome.last_line == "not done after 0.05 seconds"


async def test_a_command_that_says_nothing_has_its_status_as_last_line() -> None:
    assert (await run_command(["false"], env=os.environ, deadline_s=5)).last_line == "exit status 1"


async def test_a_command_that_is_not_there_says_so() -> None:
    outcome = await run_command(["/no/such"], env={}, deadline_s=5)
    assert (outcome.exit_status, outcome.last_line) == (
        127,
        "it cannot be run: No such file or directory",
    )


def test_exits_are_described_in_words() -> None:
    assert describe_exit(3) == "exit status 3"
    assert describe_exit(-9) == "killed by SIGKILL"
    assert describe_exit(-250) == "exit status -250"


def test_the_end_of_a_long_log_is_read_from_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {n}\n\n" for n in range(100_000)))
    assert last_lines(log, 2) == ["line 99998", "line 99999"]
    assert last_lines(tmp_path / "none", 2) == []


PARENT = """
import asyncio, os, sys
from pathlib import Path
from agent.demo.guard import Guard
from agent.demo.processes import start_child

async def main():
    guard = Guard()
    guard.at_end(["touch", sys.argv[1] + "/cleaned"])
    command = ["sh", "-c", "trap '' TERM; sleep 600 & echo $!; wait"]
    child = await start_child(
        "c", command, env=os.environ, log_path=Path(sys.argv[1], "log"), guard=guard
    )
    print(child.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_when_the_demo_is_killed_outright_its_children_end_all_the_same(
    tmp_path: Path,
) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert parent.stdout is not None
        child = int(await parent.stdout.readline())
        lines = await eventually(lambda: last_lines(tmp_path / "log", 1))
        grandchild = int(lines[0])
        assert is_alive(child)
        assert is_alive(grandchild)
    finally:
        parent.kill()
        await parent.communicate()
    assert await gone(child)
    assert await gone(grandchild)
    assert await eventually((tmp_path / "cleaned").exists)
