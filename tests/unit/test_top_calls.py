from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from agent.top.calls import calls_table, parse_calls


def call(**changes: Any) -> dict[str, Any]:
    told = {
        "call": "AJ_8fGh2",
        "room": "kitchen",
        "pid": 12,
        "age_s": 75.4,
        "turns": 3,
        "state": "thinking",
        "response_s": 0.432,
        "resident_bytes": 250_000_000,
    }
    return told | changes


def shown(*calls: dict[str, Any], width: int = 100) -> str:
    screen = io.StringIO()
    body = json.dumps({"calls": calls}).encode()
    Console(file=screen, width=width).print(calls_table(parse_calls(body)))
    return screen.getvalue()


def test_each_call_has_its_row() -> None:
    lines = [line.split() for line in shown(call(), call(room="hall")).splitlines()]
    assert ["8fGh2", "kitchen", "1:15", "3", "thinking", "432", "ms", "250", "MB"] in lines
    assert sum("hall" in line for line in lines) == 1


def test_what_is_not_known_yet_is_a_dash() -> None:
    row = shown(call(age_s=3_725.0, response_s=None, resident_bytes=0))
    assert "1:02:05" in row and row.count("–") == 2


def test_a_rooms_name_cannot_write_to_the_terminal() -> None:
    row = shown(call(room="\x1b[2J[red]so\nlong " + 40 * "x"))
    assert "\x1b" not in row
    assert "?[2J[red]so?long " in row and "…" in row


def test_a_table_of_calls_fits_a_narrow_terminal() -> None:
    rows = shown(*[call(room=30 * "r", call=f"AJ_{20 * 'c'}")] * 40, width=80)
    assert all(len(line) <= 80 for line in rows.splitlines())
    assert rows.count("432 ms") == 40


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"calls": 3}', b'{"calls": [{"call": "AJ_"}]}', b"[" * 100_000],
)
def test_what_is_no_list_of_calls_is_told_apart(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_calls(body)
