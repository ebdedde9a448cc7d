"""The files in which a worker's processes count, kept few.

prometheus_client has three or four of them for each process that ever was, and a scrape reads them
all: after ten thousand calls it would take seconds. What processes that have ended counted is added up
here in one file of each kind, under the process id 0.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from struct import error as StructError

from prometheus_client.mmap_dict import MmapedDict

logger = logging.getLogger(__name__)

_NOBODY = 0


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's by now; its file waits
    return True


def fold(folder: Path, is_running: Callable[[int], bool] = is_running) -> None:
    """Adds up what ended processes counted, and drops their gauges of live processes.

    Not while `folder` is read: for a moment a count is in two files.
    """
    for path in sorted(folder.glob("*.db")):
        kind, _, pid = path.stem.rpartition("_")
        if int(pid) == _NOBODY or is_running(int(pid)):
            continue
        if kind.startswith("gauge_live"):
            path.unlink()
        elif kind in ("counter", "histogram", "summary", "gauge_mostrecent"):
            _add(path, folder / f"{kind}_{_NOBODY}.db", is_sum=kind != "gauge_mostrecent")
            path.unlink()


def _add(source: Path, target: Path, *, is_sum: bool) -> None:
    """Adds the values of `source` to those of `target`, or takes the newer of the two."""
    total = MmapedDict(str(target))  # type: ignore[no-untyped-call]
    try:
        for key, value, at_s, _ in MmapedDict.read_all_values_from_file(str(source)):  # type: ignore[no-untyped-call]
            before, before_s = total.read_value(key)  # type: ignore[no-untyped-call]
            if is_sum:
                total.write_value(key, before + value, 0.0)  # type: ignore[no-untyped-call]
            elif at_s > before_s:
                total.write_value(key, value, at_s)  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, StructError) as e:
        # Of a process that was killed while it wrote: the rest of its counts is lost.
        logger.warning("the counts of a process cannot be read", extra={"error": str(e)})
    finally:
        total.close()  # type: ignore[no-untyped-call]


def keep_own(folder: Path) -> AbstractAsyncContextManager[None]:
    """Puts the files that this process has open aside, now; they are back when the block begins.

    An AgentServer begins by deleting all files in the folder: its own process would count on where
    nobody reads.
    """
    aside = folder / "kept"  # folders are left alone
    aside.mkdir(exist_ok=True)
    _link(folder, f"*_{os.getpid()}.db", aside)
    return _put_back(folder, aside)


@contextlib.asynccontextmanager
async def _put_back(folder: Path, aside: Path) -> AsyncIterator[None]:
    _link(aside, "*.db", folder)
    yield


def _link(source: Path, pattern: str, target: Path) -> None:
    for path in source.glob(pattern):
        with contextlib.suppress(FileExistsError):
            (target / path.name).hardlink_to(path)
