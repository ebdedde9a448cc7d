"""Files of results that are complete after every write, and the conditions in them."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

from evals.bench import processor, versions
from evals.ear.journal import JournalError

RESULTS = Path(__file__).parents[1] / "results"


def read(path: Path) -> dict[str, Any]:
    """What is there, or nothing. Raises JournalError."""
    if not path.exists():
        return {}
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise JournalError(f"{path} cannot be read: delete it, or name another --output.") from None
    return content


def write(path: Path, content: dict[str, Any]) -> None:
    """Replaces the file as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    draft.write_text(_dump(content) + "\n", encoding="utf-8")
    os.replace(draft, path)


def conditions(**more: Any) -> dict[str, Any]:
    """Of this machine, now."""
    return {
        "when": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "machine": processor(),
        "python": platform.python_version(),
        "versions": versions("livekit-agents", "livekit"),
        "network": "loopback",
        "shared": "callers, LiveKit server and agents share these cores",
        "load_at_start": round(os.getloadavg()[0], 2),
        **more,
    }


def _dump(content: Any, indent: int = 0) -> str:
    """Indented, but with what holds plain values alone in one line."""
    if isinstance(content, dict) and any(isinstance(v, dict | list) for v in content.values()):
        items = [f"{json.dumps(k)}: {_dump(v, indent + 1)}" for k, v in content.items()]
        return _block("{}", items, indent)
    if isinstance(content, list) and any(isinstance(v, dict | list) for v in content):
        return _block("[]", [_dump(v, indent + 1) for v in content], indent)
    return json.dumps(content)


def _block(brackets: str, items: list[str], indent: int) -> str:
    inner = ",\n".join(" " * (indent + 1) + item for item in items)
    return f"{brackets[0]}\n{inner}\n{' ' * indent}{brackets[1]}"
