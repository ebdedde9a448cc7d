"""The table of a worker's calls, one a row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from agent.top.screen import shown_size, shown_time

_CALL_CHARS = 8
_ROOM_CHARS = 28
_COLUMNS = ("call", "room", "age", "turns", "state", "response", "memory")


@dataclass(frozen=True, kw_only=True)
class CallRow:
    """One call; its times in seconds."""

    call: str
    room: str
    age_s: float
    turns: int
    state: str
    response_s: float | None
    """Of its newest answer."""
    resident_bytes: int
    """Of its process."""


def parse_calls(body: bytes) -> list[CallRow]:
    """What a worker answers at `/calls`. Raises ValueError for anything else."""
    try:
        return [_row(call) for call in json.loads(body)["calls"]]
    except (KeyError, TypeError, RecursionError) as e:
        raise ValueError("these are no calls") from e


def _row(call: dict[str, Any]) -> CallRow:
    response_s = call["response_s"]
    return CallRow(
        call=str(call["call"]),
        room=str(call["room"]),
        age_s=float(call["age_s"]),
        turns=int(call["turns"]),
        state=str(call["state"]),
        response_s=None if response_s is None else float(response_s),
        resident_bytes=int(call["resident_bytes"]),
    )


def calls_table(rows: Sequence[CallRow]) -> Table:
    table = Table(box=box.SIMPLE)
    for name in _COLUMNS:
        is_number = name in ("age", "turns", "response", "memory")
        table.add_column(name, justify="right" if is_number else "left", no_wrap=True)
    for row in rows:
        table.add_row(
            _plain(row.call.removeprefix("AJ_"), _CALL_CHARS),
            _plain(row.room, _ROOM_CHARS),
            _age(row.age_s),
            str(row.turns),
            _plain(row.state, _ROOM_CHARS),
            shown_time(row.response_s),
            shown_size(row.resident_bytes),
        )
    return table


def _plain(text: str, most_chars: int) -> Text:
    """Whoever names a room may not write to the terminal what it takes for a command."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return Text(shown if len(shown) <= most_chars else f"{shown[: most_chars - 1]}…")


def _age(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
