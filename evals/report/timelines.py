"""What the page draws of single events: the waveforms of both lanes, and what happened when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from evals.ear.results import Row
from evals.report.charts import STAGES, Contestant


def timeline_data(rows: Sequence[Row]) -> str:
    """JSON for the page's script, safe inside a script element; rows without a timeline are left
    out. Times are seconds from the start of the drawing."""
    drawn = [_entry(row) for row in rows if row.timeline is not None]
    return json.dumps(drawn, separators=(",", ":")).replace("</", "<\\/")


def _entry(row: Row) -> dict[str, Any]:
    timeline, result = row.timeline, row.result
    assert timeline is not None
    event = result.event
    zero_s = timeline.start_s

    def since(at_s: float) -> float:
        return round(at_s - zero_s, 3)

    return {
        "system": Contestant(system=row.system, patience=row.patience).label,
        "set": row.set,
        "call": row.call,
        "kind": event.kind,
        "text": event.text or event.voice,
        "voice": event.voice,
        "outcome": result.outcome,
        "why": result.why or "",
        "event": [since(event.start_s), since(event.end_s)],
        "pauses": [[since(start_s), since(end_s)] for start_s, end_s in event.pauses_s],
        "onset": None if result.onset_s is None else since(result.onset_s),
        "response": result.response_s,
        "stop": result.stop_s,
        "stages": {
            name: since(event.end_s + result.stage_s[name])
            for name in STAGES
            if name in result.stage_s
        },
        "step": timeline.step_s,
        "caller": timeline.caller,
        "agent": timeline.agent,
    }
