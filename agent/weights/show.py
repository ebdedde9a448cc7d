"""How models and downloads look in a terminal, and in a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from agent.weights.catalogue import Catalogue, Model
from agent.weights.store import Examination, State

__all__ = ["Bars", "Lines", "models_table", "plan_table"]

_COLOURS = {State.PRESENT: "green", State.MISSING: "dim", State.BROKEN: "red"}


def models_table(catalogue: Catalogue, found: Mapping[Model, Examination]) -> Table:
    """What `parley models` shows; fits into 80 columns."""
    table = _table("Model", "Stage", "Size", "Licence", "Speaks", "State", "Profile")
    for model, examination in found.items():
        state = examination.state
        table.add_row(
            escape(model.name),
            model.stage,
            decimal(model.size_bytes),
            escape(model.licence),
            _languages(model.languages),
            f"[{_COLOURS[state]}]{state}[/]",
            ", ".join(catalogue.profiles_of(model)),
        )
    return table


def plan_table(lacking_bytes: Mapping[Model, int]) -> Table:
    """What a download is about to fetch."""
    table = _table("Model", "To download", "Licence", "From")
    for model, size_bytes in lacking_bytes.items():
        table.add_row(
            escape(model.name), decimal(size_bytes), escape(model.licence), escape(model.origin)
        )
    return table


class Bars:
    """A bar a file with size, speed and time left; for terminals."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def __call__(self, label: str, done_bytes: int, total_bytes: int) -> None:
        if label not in self._tasks:
            # What was there before is no speed: it is where the bar starts.
            self._tasks[label] = self._progress.add_task(
                escape(label), total=total_bytes, completed=done_bytes
            )
        self._progress.update(self._tasks[label], completed=done_bytes)


class Lines:
    """A line a file; for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: set[str] = set()

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def __call__(self, label: str, done_bytes: int, total_bytes: int) -> None:
        if label in self._seen:
            return
        self._seen.add(label)
        here = f", {decimal(done_bytes)} of it here already" if done_bytes else ""
        line = f"fetching {label}, {decimal(total_bytes)}{here}"
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _languages(codes: Sequence[str]) -> str:
    return codes[0] if len(codes) == 1 else f"{codes[0]} +{len(codes) - 1}"


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
