"""scripts.audit: no package of a lock may go without having been looked up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scripts.audit import CHECKOUT, LOCKS, pinned, problems, rounds

LOCK = """\
av==18.1.0 ; python_full_version < '3.12' \\
    --hash=sha256:00
av==19.0.2 ; python_full_version >= '3.12' \\
    --hash=sha256:01
    # via livekit-agents==1.8.9
Typing_Extensions==4.15.0 \\
    --hash=sha256:02
uvicorn[standard]==0.40.0
"""
PACKAGES = [
    ("av", "18.1.0"),
    ("av", "19.0.2"),
    ("typing-extensions", "4.15.0"),
    ("uvicorn", "0.40.0"),
]


def report(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": list(entries), "fixes": []}


def fine(name: str, version: str) -> dict[str, Any]:
    return {"name": name, "version": version, "vulns": []}


def test_every_version_for_whatever_machine_is_looked_up() -> None:
    assert pinned([LOCK, LOCK]) == PACKAGES


def test_of_several_versions_each_is_in_a_list_of_its_own() -> None:
    assert rounds(PACKAGES) == [[PACKAGES[0], *PACKAGES[2:]], [PACKAGES[1]]]


def test_what_was_looked_up_without_a_finding_is_fine() -> None:
    both = [report(*(fine(*package) for package in one)) for one in rounds(PACKAGES)]
    assert problems(PACKAGES, both) == []


def test_a_package_that_no_report_is_about_is_a_problem() -> None:
    got = problems(PACKAGES, [report(*(fine(*package) for package in PACKAGES[1:]))])
    assert got == ["av 18.1.0: was not looked up"]


def test_a_package_that_was_skipped_is_a_problem() -> None:
    skipped = {"name": "av", "skip_reason": "Dependency not found on PyPI"}
    got = problems([("av", "18.1.0")], [report(skipped)])
    assert got == ["av 18.1.0: was not looked up"]


def test_a_hole_is_told_with_what_mends_it() -> None:
    hole = {"id": "PYSEC-2026-1", "fix_versions": ["19.0.3", "20.0.0"], "aliases": []}
    entry = {"name": "AV", "version": "19.0.2", "vulns": [hole]}
    got = problems([("av", "19.0.2")], [report(entry)])
    assert got == ["av 19.0.2: PYSEC-2026-1, mended in 19.0.3, 20.0.0"]


def test_every_pin_of_our_locks_is_understood() -> None:
    locks = [path for pattern in LOCKS for path in CHECKOUT.glob(pattern)]
    assert {Path(CHECKOUT / "requirements" / f"{name}.lock") for name in ("base", "dev")} <= set(
        locks
    )
    for path in locks:
        lines = [line for line in path.read_text().splitlines() if line[:1].isalnum()]
        assert len(pinned([path.read_text()])) == len(lines), path
