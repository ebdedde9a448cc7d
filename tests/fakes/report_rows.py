"""Rows of results for the tests of the report."""

from __future__ import annotations

import base64
from typing import Any

from evals.ear.recording import Event
from evals.ear.results import EventResult, Row, Timeline

TIMELINE = Timeline(
    start_s=0.5,
    step_s=0.02,
    caller=base64.b64encode(bytes(range(100))).decode(),
    agent=base64.b64encode(bytes(100)).decode(),
)


def turn(**facts: Any) -> Row:
    """A turn from 1 to 3 s; facts of the row and of its result alike."""
    pauses_s = facts.pop("pauses_s", ())
    event = Event(
        kind=facts.pop("kind", "turn"),
        utterance="u",
        text=facts.pop("text", "my name is ann"),
        voice="slt",
        start_s=1.0,
        end_s=3.0,
        pauses_s=pauses_s,
    )
    where = {"system": "parley", "patience": "normal", "set": "plain", "split": "dev", "call": "c"}
    where |= {name: facts.pop(name) for name in list(facts) if name in where}
    timeline = facts.pop("timeline", None)
    result = EventResult(event=event, **{"outcome": "answered", **facts})
    return Row(**where, result=result, timeline=timeline)


def cut_off(**facts: Any) -> Row:
    return turn(outcome="cut_off", cut_pause_s=0.5, pauses_s=((1.5, 2.0),), **facts)
