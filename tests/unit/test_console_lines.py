"""Lines that are typed, piped or in a file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agent.console.lines import LONGEST_LINE_BYTES, Lines


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for end in (writing, reading):
        with suppress(OSError):
            os.close(end)


async def test_lines_come_one_by_one_and_the_last_needs_no_end(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.write(writing, "one\r\ntwo\n\nthré".encode())
    os.close(writing)
    lines = Lines(reading)
    assert [await lines.next() for _ in range(6)] == ["one", "two", "", "thré", None, None]


async def test_a_line_that_comes_in_parts_is_one(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    lines = Lines(reading)
    os.write(writing, b"what ti")
    waiting = asyncio.create_task(lines.next())
    await asyncio.sleep(0.05)
    os.write(writing, b"me is it\n")
    assert await waiting == "what time is it"


async def test_who_stops_waiting_loses_nothing(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    lines = Lines(reading)
    waiting = asyncio.create_task(lines.next())
    await asyncio.sleep(0.01)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    os.write(writing, b"still here\n")
    assert await lines.next() == "still here"


async def test_a_line_without_end_comes_in_parts_and_fills_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "typed"
    path.write_bytes(b"x" * (2 * LONGEST_LINE_BYTES))
    descriptor = os.open(path, os.O_RDONLY)
    lines = Lines(descriptor)
    first, second = await lines.next(), await lines.next()
    os.close(descriptor)
    assert first is not None and second is not None
    assert len(first) + len(second) == 2 * LONGEST_LINE_BYTES


async def test_what_is_no_utf_8_is_read_all_the_same(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.write(writing, b"caf\xe9\n")
    assert await Lines(reading).next() == "caf�"
