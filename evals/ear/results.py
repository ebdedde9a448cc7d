"""What came out of each event, and the files of a run's results.

A run is a folder: `<set>.json` for each set, each complete in itself, and `timelines.jsonl`, the
waveforms to be drawn, which is large and can be left out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from evals.ear.recording import Event, Lane, Recording

VERSION = 2
TIMELINES = "timelines.jsonl"

Outcome = Literal[
    "answered",
    "cut_off",
    "unanswered",
    "yielded",
    "not_yielded",
    "survived",
    "stopped",
    "unmeasured",
]

_ORDER = (
    *("plain", "human", "pauses", "dictation", "hesitation", "interruptions"),
    *("backchannels", "noise", "side_talk", "echo", "phone"),
)
"""Of the sets, wherever they are shown."""
_WHERE = ("system", "patience", "set", "split", "call")
_STEP_S = 0.02
_LEAD_S = 0.5
_TRAIL_S = 2.0
_LONGEST_S = 25.0


class ResultsError(ValueError):
    """There are no results that can be read; the message is one sentence that says why."""


@dataclass(frozen=True, kw_only=True)
class EventResult:
    """What the agent did about one event. Times are None where there is nothing to measure."""

    event: Event
    outcome: Outcome
    """A sound that is not meant for the agent and comes in a silence is "answered" when the agent
    speaks up, "survived" when it does not."""
    why: str | None = None
    """The reason, in a few words."""
    onset_s: float | None = None
    """When the first new reply began, be it too soon or after the end; on the recording's clock."""
    response_s: float | None = None
    """From the end of the utterance to the first sound of a new reply."""
    cut_off_s: float | None = None
    """From the start of the pause, or of the part, in which the agent began, until it did."""
    cut_pause_s: float | None = None
    """Length of the pause in which it began, or just after which."""
    stop_s: float | None = None
    """From the start of the event until the agent fell silent."""
    gap_s: float | None = None
    """Longest gap in the agent's sound from the event's start until 1.5 s after its end."""
    agent_interrupts: bool = False
    """The agent began to speak while the caller spoke, not merely in a pause."""
    replies: int = 0
    """How many replies began between the end of this event and the next."""
    same_reply: bool | None = None
    """Whether the reply after the event is that before it; None where the voice does not tell."""
    reply_whole: bool | None = None
    """Whether the answer was spoken to its end without a gap; None where that is not known."""
    stage_s: dict[str, float] = field(default_factory=dict)
    """Times of the agent's own record, without the ending `_s`; empty without a record."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> EventResult:
        """From what `asdict` gave; other keys are left alone."""
        known = {item.name: values[item.name] for item in fields(cls) if item.name in values}
        return cls(**known | {"event": Event.from_dict(known["event"])})


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Peaks of both lanes, to be drawn."""

    start_s: float
    step_s: float
    caller: str
    """Base64 of one byte a step: dBFS + 100."""
    agent: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """An event of a call with one of the systems."""

    system: str
    patience: str
    set: str
    split: str
    call: str
    result: EventResult
    gaps: int = 0
    """Of the whole call's audio from the agent."""
    clicks: int = 0
    microphone_lateness_p99_s: float = 0.0
    timeline: Timeline | None = None

    def to_dict(self) -> dict[str, Any]:
        """One object of the list "results" in a file: without the timeline and without whatever is
        as it is by default."""
        where = {name: getattr(self, name) for name in _WHERE}
        quality = {"gaps": self.gaps, "clicks": self.clicks}
        lateness_s = _rounded(self.microphone_lateness_p99_s)
        result = _compact(self.result) | {"event": _compact(self.result.event)}
        return {**result, **where, "quality": quality, "microphone_lateness_p99_s": lateness_s}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Row:
        return cls(
            **{name: values[name] for name in _WHERE},
            result=EventResult.from_dict(values),
            **values.get("quality") or {},
            microphone_lateness_p99_s=values.get("microphone_lateness_p99_s", 0.0),
        )


@dataclass(frozen=True, kw_only=True)
class Results:
    """A run: the same events for every system."""

    when: str
    conditions: dict[str, Any]
    systems: dict[str, Any]
    """Settings of each system."""
    rows: Sequence[Row]


def read_results(folder: Path) -> Results:
    """Raises ResultsError."""
    files = sorted(folder.glob("*.json"), key=lambda path: _place(path.stem))
    if not files:
        raise ResultsError(f"{folder} holds no results")
    parts = [_read(path) for path in files]
    timelines = _read_timelines(folder / TIMELINES)
    rows: list[Row] = []
    for path, part in zip(files, parts, strict=True):
        known = timelines.get(path.stem, {})
        rows += [
            replace(row, timeline=known.get(index)) if index in known else row
            for index, row in enumerate(part.rows)
        ]
    first = parts[0]
    return replace(
        first,
        conditions=first.conditions | {"sets": _merged(part.conditions["sets"] for part in parts)},
        systems=_merged(part.systems for part in parts),
        rows=rows,
    )


def _place(name: str) -> tuple[int, str]:
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)


def _read(path: Path) -> Results:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ResultsError(f"{path} has version {content['version']}, this reads {VERSION}")
        content["conditions"].setdefault("sets", {})
        return Results(
            when=content["when"],
            conditions=content["conditions"],
            systems=content["systems"],
            rows=[Row.from_dict(row) for row in content["results"]],
        )
    except ResultsError:
        raise
    except (OSError, ValueError) as e:
        raise ResultsError(f"{path} cannot be read: {e}") from e
    except (KeyError, TypeError, AttributeError) as e:
        raise ResultsError(f"{path} is no file of results: {e!r}") from e


def _read_timelines(path: Path) -> dict[str, dict[int, Timeline]]:
    """By set and number of the row; a later line replaces an earlier one, of a run cut short."""
    found: dict[str, dict[int, Timeline]] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            name, index, timeline = json.loads(line)
            found.setdefault(name, {})[index] = Timeline(**timeline)
    return found


def _merged(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in parts:
        merged |= part
    return merged


def _compact(values: EventResult | Event) -> dict[str, Any]:
    """As a dictionary without what is as it is by default."""
    return {
        item.name: _rounded(value)
        for item in fields(values)
        if (value := getattr(values, item.name)) != _default(item)
    }


def _default(item: Field[Any]) -> Any:
    return item.default if item.default_factory is MISSING else item.default_factory()


def _rounded(value: Any) -> Any:
    """Times to a tenth of a millisecond."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, tuple) else value


def draw_timeline(recording: Recording, result: EventResult) -> Timeline:
    """The event with what came before and after it."""
    event = result.event
    last_s = event.end_s + max(result.response_s or 0.0, result.gap_s or 0.0)
    start_s = max(0.0, event.start_s - _LEAD_S)
    end_s = min(last_s + _TRAIL_S, recording.end_s, start_s + _LONGEST_S)
    caller, agent = (
        base64.b64encode(_peaks(lane, start_s, end_s)).decode()
        for lane in (recording.caller, recording.agent)
    )
    return Timeline(start_s=start_s, step_s=_STEP_S, caller=caller, agent=agent)


def _peaks(lane: Lane, start_s: float, end_s: float) -> bytes:
    step = round(lane.rate_hz * _STEP_S)
    lead = max(0, round((lane.start_s - start_s) * lane.rate_hz))
    samples = np.abs(lane.between(start_s, end_s).astype(np.int32))
    samples = np.pad(samples, (lead, 0))
    missing = round((end_s - start_s) * lane.rate_hz) - len(samples)
    samples = np.pad(samples, (0, max(0, missing)))
    peaks = samples[: len(samples) // step * step].reshape(-1, step).max(axis=1)
    decibels = 20 * np.log10(np.maximum(peaks, 1) / 32768)
    peaks_u8: bytes = np.clip(np.round(decibels + 100), 0, 255).astype(np.uint8).tobytes()
    return peaks_u8
