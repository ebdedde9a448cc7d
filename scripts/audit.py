"""Looks up every package of every lock in PyPI's list of known holes: python scripts/audit.py

Status 1 when one has a hole, and when one was not looked up. pip-audit by itself leaves out what this
machine would not install (numpy has a version for each Python), and counts it as no failure.
"""

from __future__ import annotations

import json
import re
import subprocess  # nosec B404 # runs pip-audit
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[1]
LOCKS = ("requirements/*.lock", "deploy/*.lock", "tests/deploy/*.lock")
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)

Package = tuple[str, str]
"""Name as PyPI compares it, and version."""


def pinned(locks: Iterable[str]) -> list[Package]:
    """What the texts of locks pin, for whatever machine, each once."""
    return sorted({(canonical(name), v) for text in locks for name, v in _PIN.findall(text)})


def rounds(packages: Sequence[Package]) -> list[list[Package]]:
    """Lists in which no name comes twice: a package may be pinned in several versions."""
    found: list[list[Package]] = []
    for package in packages:
        for one in found:
            if package[0] not in {name for name, _ in one}:
                one.append(package)
                break
        else:
            found.append([package])
    return found


def problems(packages: Sequence[Package], reports: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line for each known hole in `packages`, and for each of them that no report is about."""
    looked_up: dict[Package, list[Mapping[str, Any]]] = {}
    for report in reports:
        for entry in report["dependencies"]:
            if "vulns" in entry:  # else it was skipped
                looked_up[canonical(entry["name"]), entry["version"]] = entry["vulns"]
    lines = []
    for name, version in packages:
        holes = looked_up.get((name, version))
        if holes is None:
            lines.append(f"{name} {version}: was not looked up")
            continue
        for hole in holes:
            fixed = ", ".join(hole.get("fix_versions", ())) or "none yet"
            lines.append(f"{name} {version}: {hole['id']}, mended in {fixed}")
    return lines


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _look_up(packages: Sequence[Package]) -> dict[str, Any]:
    """pip-audit's report. Exits with its own words when it has none."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("".join(f"{name}=={version}\n" for name, version in packages))
        report = Path(folder) / "report.json"
        options = ["--disable-pip", "--no-deps", "--progress-spinner=off", "--format=json"]
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            *options,
            "-r",
            str(listed),
            "-o",
            str(report),
        ]
        subprocess.run(command, check=False)  # nosec B603 # no part comes from outside
        if not report.is_file():
            sys.exit("The packages were not audited: pip-audit gave no report.")
        answer: dict[str, Any] = json.loads(report.read_text())
        return answer


def main() -> None:
    locks = [path for pattern in LOCKS for path in sorted(CHECKOUT.glob(pattern))]
    packages = pinned(path.read_text() for path in locks)
    found = problems(packages, [_look_up(one) for one in rounds(packages)])
    sys.stdout.write("".join(f"{line}\n" for line in found))
    sys.stdout.write(f"{len(packages)} packages of {len(locks)} locks, {len(found)} problems\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
