"""Brings models into the store: resumed where a download stopped, verified before they count."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.filesize import decimal

from agent.weights.catalogue import File, Model
from agent.weights.errors import WeightsError
from agent.weights.hub import Hub, Interrupted
from agent.weights.store import Store, open_private, sha256_of, size_of

__all__ = ["Downloader", "Report"]

Report = Callable[[str, int, int], None]
"""Gets the name of a file, how many of its bytes are here, and how many it has."""


def _free_bytes(path: Path) -> int:
    existing = next(p for p in (path, *path.absolute().parents) if p.exists())
    return shutil.disk_usage(existing).free


@dataclass(frozen=True, kw_only=True)
class Downloader:
    """Fetches what a store lacks. Processes that fetch the same model take turns."""

    store: Store
    hub: Hub
    report: Report
    say: Callable[[str], None]
    """Gets a sentence when there is something to wait for."""
    free_bytes: Callable[[Path], int] = _free_bytes
    pauses_s: Sequence[float] = (0.5, 2.0, 5.0)
    """Between tries that brought nothing; after the last the download is given up."""
    sleep: Callable[[float], None] = time.sleep

    def fetch_all(self, models: Iterable[Model]) -> None:
        """Makes `models` present. Raises WeightsError, and OSError when the store is not writable.

        What came of a file stays when this fails or is interrupted, and the next call goes on there.
        """
        models = tuple(models)
        self._check_room(models)
        for model in models:
            self._fetch(model)

    def _check_room(self, models: Sequence[Model]) -> None:
        needed = sum(map(self.store.lacking_bytes, models))
        free = self.free_bytes(self.store.root)
        if needed > free:
            raise WeightsError(
                f"{decimal(needed)} are to be downloaded and {self.store.root} has only "
                f"{decimal(free)} free: make room there, or set AGENT_CACHE_DIR to another disk."
            )

    def _fetch(self, model: Model) -> None:
        waiting = f"{model.name} is being downloaded by another process: waiting for it."
        with self.store.lock(model, lambda: self.say(waiting)):
            for file in self.store.examine(model, record=True).to_fetch:
                self._fetch_file(model, file)
                self.store.record(model, file)
            for part in self.store.folder(model).glob(".part-*"):
                part.unlink()  # of a version that the catalogue no longer names

    def _fetch_file(self, model: Model, file: File) -> None:
        part, target = self.store.part(model, file), self.store.path(model, file)
        try:
            self._complete(model, file, part)
        except OSError as e:
            if e.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise WeightsError(
                f"The disk of {self.store.root} is full: make room there and run the same command "
                "again, which goes on where it stopped."
            ) from None
        if sha256_of(part) != file.sha256:
            part.unlink()
            raise WeightsError(
                f"{file.name} of {model.name} came with another SHA-256 than Parley knows and was "
                "thrown away: check HF_ENDPOINT and try again; if it persists, update Parley."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(part, target)

    def _complete(self, model: Model, file: File, part: Path) -> None:
        pauses = iter(self.pauses_s)
        while (before := size_of(part)) != file.size_bytes:
            try:
                self._receive(model, file, part)
            except Interrupted as e:
                if size_of(part) > before:
                    pauses = iter(self.pauses_s)
                pause_s = next(pauses, None)
                if pause_s is None:
                    raise WeightsError(
                        f"{model.name} cannot be downloaded ({e}): check the network, HTTPS_PROXY "
                        "and HF_ENDPOINT; the same command goes on where it stopped."
                    ) from e
                self.sleep(pause_s)

    def _receive(self, model: Model, file: File, part: Path) -> None:
        """One request. Raises Interrupted when `part` is not whole after it."""
        have = size_of(part)
        with self.hub.open(model, file, have) as body, open_private(part) as out:
            if body.start < have:
                out.truncate(body.start)
            done = body.start
            self.report(f"{model.name} {file.name}", done, file.size_bytes)
            for chunk in body.chunks:
                out.write(chunk)
                done += len(chunk)
                self.report(f"{model.name} {file.name}", done, file.size_bytes)
                if done > file.size_bytes:
                    out.truncate(0)
                    raise Interrupted("more came than the file has")
        if done < file.size_bytes:
            raise Interrupted("the answer ended early")
