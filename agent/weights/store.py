"""The folder of downloaded models: which are there, whole, and what mends those that are not."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from agent.config import Settings
from agent.private_files import make_state_dir, write_private
from agent.weights.catalogue import Catalogue, File, Model, our_catalogue
from agent.weights.errors import BrokenWeights, MissingWeights

__all__ = ["Examination", "State", "Store", "open_private", "sha256_of", "size_of", "store_of"]

MANIFEST = "manifest.json"


class State(StrEnum):
    """Of a model or a file."""

    PRESENT = "present"
    MISSING = "missing"
    BROKEN = "broken"


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What was found of a model."""

    state: State
    problem: str
    """One sentence with the command that mends it; empty when the model is present."""
    to_fetch: tuple[File, ...]
    """The files that are missing or broken."""


class Store:
    """Models below `root`, a folder `engine/variant` each, for this user only.

    A file counts as whole when its SHA-256 was verified after it last changed: a manifest in the
    model's folder remembers size and modification time, so that a start does not hash gigabytes.
    """

    def __init__(self, root: Path, catalogue: Catalogue | None = None) -> None:
        self.root = root
        self.catalogue = catalogue or our_catalogue()

    def folder(self, model: Model) -> Path:
        """Where the files of `model` are, or will be."""
        return self.root.joinpath(*model.name.split(":"))

    def path(self, model: Model, file: File) -> Path:
        """Where one file is, or will be."""
        return self.folder(model) / file.name

    def part(self, model: Model, file: File) -> Path:
        """Where a file grows while it is downloaded; another content is another part."""
        return self.folder(model) / f".part-{file.sha256[:16]}"

    def find(self, name: str) -> Path:
        """The folder of a whole model; hashes what was put there by hand, else reads no weights.

        Raises UnknownWeights, MissingWeights or BrokenWeights.
        """
        model = self.catalogue.model(name)
        found = self.examine(model)
        if found.state is State.MISSING:
            raise MissingWeights(found.problem)
        if found.state is State.BROKEN:
            raise BrokenWeights(found.problem)
        return self.folder(model)

    def examine(self, model: Model, *, rehash: bool = False, record: bool = False) -> Examination:
        """Compares the files with the catalogue; `rehash` trusts no manifest, `record` extends it."""
        manifest = {} if rehash else self._manifest(model)
        details = {file: self._check(model, file, manifest.get(file.name)) for file in model.files}
        whole = [file for file, (state, _) in details.items() if state is State.PRESENT]
        if record and whole:
            self.record(model, *whole)
        mend = f"run `parley download {model.name}`."
        to_fetch = tuple(file for file in model.files if file not in whole)
        for state, detail in details.values():
            if state is State.BROKEN:
                problem = f"{model.name} is broken ({detail}): {mend}"
                return Examination(state=state, problem=problem, to_fetch=to_fetch)
        if not to_fetch:
            return Examination(state=State.PRESENT, problem="", to_fetch=())
        lacking = f" completely (no {to_fetch[0].name})" if whole else ""
        problem = f"{model.name} is not downloaded{lacking}: {mend}"
        return Examination(state=State.MISSING, problem=problem, to_fetch=to_fetch)

    def lacking_bytes(self, model: Model) -> int:
        """What is still to be downloaded of a model."""
        return sum(
            max(0, file.size_bytes - size_of(self.part(model, file)))
            for file in self.examine(model).to_fetch
        )

    def record(self, model: Model, *verified: File) -> None:
        """Remembers that the SHA-256 of these files was verified."""
        seals = {file.name: _seal(file, self.path(model, file).stat()) for file in verified}
        known = self._manifest(model)
        if known | seals == known:
            return
        content = json.dumps({"model": model.name, "files": known | seals}, indent=2) + "\n"
        write_private(self.folder(model) / MANIFEST, content)

    @contextmanager
    def lock(self, model: Model, on_wait: Callable[[], None]) -> Iterator[None]:
        """Held while a process writes to the model's folder; calls `on_wait` when another does."""
        make_state_dir(self.root)
        folder = self.folder(model)
        folder.mkdir(parents=True, exist_ok=True)
        with open_private(folder / ".lock") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _check(self, model: Model, file: File, verified: object) -> tuple[State, str]:
        path = self.path(model, file)
        try:
            stat = path.stat()
            if stat.st_size != file.size_bytes:
                sizes = f"{stat.st_size} bytes instead of {file.size_bytes}"
                return State.BROKEN, f"{file.name} has {sizes}"
            if verified == _seal(file, stat) or sha256_of(path) == file.sha256:
                return State.PRESENT, ""
        except (FileNotFoundError, NotADirectoryError):
            return State.MISSING, ""
        except OSError as e:
            return State.BROKEN, f"{file.name} cannot be read: {e.strerror}"
        return State.BROKEN, f"{file.name} has not the SHA-256 it should have"

    def _manifest(self, model: Model) -> dict[str, Any]:
        try:
            files = json.loads((self.folder(model) / MANIFEST).read_text())["files"]
        except (OSError, ValueError, KeyError, TypeError):
            return {}  # none yet, or not readable as one: the files are hashed
        return files if isinstance(files, dict) else {}


def store_of(settings: Settings) -> Store:
    """The models of this user."""
    return Store(settings.cache_dir / "models")


def open_private(path: Path) -> IO[bytes]:
    """Opens for appending; a new file is for this user only."""
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def size_of(path: Path) -> int:
    """In bytes; 0 when there is no file."""
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0


def sha256_of(path: Path) -> str:
    """Hexadecimal; reads the whole file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seal(file: File, stat: os.stat_result) -> dict[str, Any]:
    """What is remembered of a verified file; a change of the file or of the catalogue breaks it."""
    return {"sha256": file.sha256, "size_bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}
