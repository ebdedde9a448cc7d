"""How the local engines run on this machine: measured once by `parley tune`, read at every start."""

from __future__ import annotations

import json
import logging
import os
import platform
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from agent.demo.private_files import write_private

logger = logging.getLogger(__name__)

FILE = "tuning.json"
"""In the cache folder."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """Threads for each engine; 0 leaves it to its library."""

    whisper_threads: int = 0
    kokoro_threads: int = 0
    llama_threads: int = 0


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one choice cost."""

    engine: str
    threads: int
    seconds: float
    """Median, of the work that callers wait for."""


def machine() -> dict[str, Any]:
    """What must be the same for a tuning to count."""
    return {"cores": os.cpu_count(), "processor": platform.machine(), "system": platform.system()}


def best(measurements: list[Measurement]) -> dict[str, int]:
    """The threads for each engine: the fewest that are within 5 % of the quickest."""
    chosen: dict[str, int] = {}
    for engine in dict.fromkeys(each.engine for each in measurements):
        own = [each for each in measurements if each.engine == engine]
        limit_s = 1.05 * min(each.seconds for each in own)
        chosen[engine] = min(each.threads for each in own if each.seconds <= limit_s)
    return chosen


def tuning_of(threads: dict[str, int]) -> Tuning:
    """From engine names, as settings have them, to the numbers."""
    return Tuning(
        whisper_threads=threads.get("faster_whisper", 0),
        kokoro_threads=threads.get("kokoro", 0),
        llama_threads=threads.get("llama_cpp", 0),
    )


def save(folder: Path, tuning: Tuning, measurements: list[Measurement]) -> Path:
    """Writes the choice with what it was made from; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "machine": machine(),
        "tuning": asdict(tuning),
        "measurements": [asdict(each) for each in measurements],
    }
    write_private(folder / FILE, json.dumps(content, indent=1) + "\n")
    return folder / FILE


def load(folder: Path) -> Tuning:
    """The saved tuning; the defaults when there is none, or it is another machine's or unreadable."""
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if content["machine"] != machine():
            logger.warning("the tuning is of another machine and not used: run `parley tune`")
            return Tuning()
        names = {field.name for field in fields(Tuning)}
        values = {k: int(v) for k, v in content["tuning"].items() if k in names}
        return Tuning(**values)
    except FileNotFoundError:
        return Tuning()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        logger.warning("the tuning file cannot be read and is not used: run `parley tune`")
        return Tuning()
