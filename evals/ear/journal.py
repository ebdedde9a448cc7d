"""The files of a run's results while the run goes on: after every call they are complete."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evals.ear.one_call import CallReport
from evals.ear.results import TIMELINES, VERSION

Key = tuple[str, str, str]
"""System, patience, call."""


class JournalError(ValueError):
    """The folder cannot be written or gone on with; the message says what to do."""


@dataclass
class Journal:
    """Appends reports to the file of their set; each write replaces it as a whole, so that it is
    never half written. What is said about the conditions holds for the files begun since."""

    folder: Path
    facts: dict[str, Any]
    today: Callable[[], str] = lambda: time.strftime("%Y-%m-%d")
    _files: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Contents by set."""

    @classmethod
    def begin(cls, folder: Path, facts: dict[str, Any]) -> Journal:
        """`facts`: "conditions" and "systems". Raises JournalError when there are results."""
        if any(folder.glob("*.json")):
            raise JournalError(
                f"{folder} holds results: go on with them by --resume, or name another by --output."
            )
        (folder / TIMELINES).unlink(missing_ok=True)
        return cls(folder, facts)

    @classmethod
    def resume(
        cls, folder: Path, facts: dict[str, Any], sizes: Mapping[Key, int] | None = None
    ) -> Journal:
        """Goes on with a run, or begins it; what was said about the conditions then, stays.

        Calls with fewer events than in `sizes`, ended early for a smaller n, are not kept.
        """
        files = {path.stem: _content(path) for path in folder.glob("*.json")}
        for content in files.values():
            content["systems"] |= facts["systems"]
        journal = cls(folder, facts, _files=files)
        for name in files:
            journal._forget_shorter(name, sizes or {})
        return journal

    @property
    def done(self) -> set[Key]:
        return {_key(call) for content in self._files.values() for call in content["calls"]}

    def add(self, report: CallReport) -> None:
        name = report.facts["set"]
        if name not in self._files:
            self._files[name] = self._new_content()
        content = self._files[name]
        self.folder.mkdir(parents=True, exist_ok=True)
        self._add_timelines(name, len(content["results"]), report)
        content["calls"].append(report.facts)
        content["results"] += [row.to_dict() for row in report.rows]
        self._write(name)

    def _forget_shorter(self, name: str, sizes: Mapping[Key, int]) -> None:
        content = self._files[name]
        have = Counter(map(_key, content["results"]))
        short = {key for key, count in have.items() if count < sizes.get(key, 0)}
        if not short:
            return
        kept = [i for i, row in enumerate(content["results"]) if _key(row) not in short]
        self._move_timelines(name, {old: new for new, old in enumerate(kept)})
        content["results"] = [content["results"][index] for index in kept]
        content["calls"] = [call for call in content["calls"] if _key(call) not in short]
        self._write(name)

    def _move_timelines(self, name: str, to: Mapping[int, int]) -> None:
        path = self.folder / TIMELINES
        if not path.exists():
            return
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        moved = [[of, to.get(at) if of == name else at, it] for of, at, it in lines]
        text = "".join(json.dumps(line) + "\n" for line in moved if line[1] is not None)
        _replace(path, text)

    def _new_content(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "when": self.today(),
            "conditions": self.facts["conditions"],
            "systems": dict(self.facts["systems"]),
            "calls": [],
            "results": [],
        }

    def _add_timelines(self, name: str, first: int, report: CallReport) -> None:
        with (self.folder / TIMELINES).open("a", encoding="utf-8") as lines:
            for index, row in enumerate(report.rows, first):
                if row.timeline is not None:
                    lines.write(json.dumps([name, index, asdict(row.timeline)]) + "\n")

    def _write(self, name: str) -> None:
        _replace(self.folder / f"{name}.json", _dump(self._files[name]))


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".part")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)


def _key(item: Mapping[str, Any]) -> Key:
    return (item["system"], item["patience"], item["call"])


def _dump(content: dict[str, Any]) -> str:
    """A line for each call and each event, so that versions of the file can be compared."""
    lists = {name: content[name] for name in ("calls", "results")}
    head = {name: value for name, value in content.items() if name not in lists}
    parts = [json.dumps(head, separators=(",", ":"))[1:-1]]
    for name, items in lists.items():
        lines = ",\n".join(json.dumps(item, separators=(",", ":")) for item in items)
        parts.append(f'"{name}":[\n{lines}]')
    return "{" + ",\n".join(parts) + "}\n"


def _content(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        is_known = content["version"] == VERSION
        is_known = is_known and isinstance(content["systems"], dict)
        is_known = is_known and all(
            isinstance(content[name], list) for name in ("calls", "results")
        )
    except (OSError, ValueError, KeyError, TypeError):
        is_known = False
    if not is_known:
        raise JournalError(f"{path} is no file of a run that could go on: name another folder.")
    return content
