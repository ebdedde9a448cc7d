"""docs/metrics.md is what the metric objects say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def test_the_page_is_made_from_the_code_as_it_is() -> None:
    make = [sys.executable, str(CHECKOUT / "scripts" / "metrics_doc.py"), "--check"]
    done = subprocess.run(make, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def test_each_metric_is_told_with_its_labels_and_what_bounds_them() -> None:
    page = (CHECKOUT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = {row.split("`")[1]: row for row in page.splitlines() if row.startswith("| `")}
    assert len(rows) > 35
    assert all(row.count(" | ") == 4 and "``" not in row for row in rows.values())
    outcomes = "`outcome`: `answered`, `interrupted`, `ignored`, `failed`"
    assert outcomes in rows["parley_turns_total"]
    assert "| histogram | seconds |" in rows["parley_event_loop_lag_seconds"]
    assert "| gauge | bytes |" in rows["parley_calls_resident_memory_bytes"]
    assert "`partial`" in rows["parley_modelserver_wait_seconds"]
