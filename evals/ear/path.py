"""How long sound takes from the caller to a worker and back: the floor under every response."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from evals.ear.activity import audible_spans, join
from evals.ear.caller import carry_out
from evals.ear.metrics import percentile
from evals.ear.recording import Recording
from evals.ear.scenario import Call, Step, Utterance
from evals.ear.systems import System
from evals.ear.voices import Spoken
from tests.stack.caller import RATE_HZ

BEEPS = 20
ECHO = System(name="echo", command=("python", "-m", "evals.baselines.echo"))
HOW = (
    "beeps to an agent that sends each 10 ms frame back as it comes, on the same server, before "
    "the other calls; from a beep's first audible sample in the caller's lane to that in the agent's"
)

_BEEP_S = 0.2
_TONE_HZ = 700.0
_LEVEL = 8000.0
_EDGE_S = 0.002
_EVERY_S = 0.4
_JOIN_S = 0.1


def measure_path(url: str, beeps: int = BEEPS) -> dict[str, Any]:
    """Calls a running `ECHO`; for the conditions of a run. Blocks for some 20 s."""
    call = _call(beeps)
    token = ECHO.token(ECHO.new_room(), call.conditions)
    done = asyncio.run(carry_out(call, [_beep()] * beeps, url, token))
    return describe(lags_s(done.recording))


def describe(lags_s: Sequence[float | None]) -> dict[str, Any]:
    """n, p50 and p95, and how many beeps did not come back."""
    came_s = sorted(lag_s for lag_s in lags_s if lag_s is not None)
    p50_s, p95_s = (percentile(came_s, share) for share in (0.5, 0.95))
    return {
        "how": HOW,
        "n": len(came_s),
        "failed": len(lags_s) - len(came_s),
        "p50_s": None if p50_s is None else round(p50_s, 4),
        "p95_s": None if p95_s is None else round(p95_s, 4),
    }


def lags_s(recording: Recording) -> list[float | None]:
    """For each beep how much later it came back; None when it did not before the next one."""
    said_s, heard_s = (
        [span.start_s for span in join(audible_spans(lane), _JOIN_S)]
        for lane in (recording.caller, recording.agent)
    )
    found: list[float | None] = []
    for start_s, end_s in zip(said_s, [*said_s[1:], math.inf], strict=True):
        back_s = next((at_s for at_s in heard_s if start_s < at_s < end_s), None)
        found.append(None if back_s is None else back_s - start_s)
    return found + [None] * (len(recording.events) - len(found))


def _beep() -> Spoken:
    at_s = np.arange(round(_BEEP_S * RATE_HZ)) / RATE_HZ
    edges = np.minimum(1.0, np.minimum(at_s, at_s[::-1]) / _EDGE_S)
    samples = _LEVEL * edges * np.sin(2 * np.pi * _TONE_HZ * at_s)
    return Spoken(samples=samples.astype(np.int16), end_s=_BEEP_S)


def _call(beeps: int) -> Call:
    steps = tuple(
        Step(
            kind="noise",
            utterance=Utterance(id=f"beep-{number}", voice="sound", sound="beep"),
            when="after" if number else "quiet",
            seconds=_EVERY_S,
        )
        for number in range(beeps)
    )
    return Call(name="path", set="path", split="dev", steps=steps)
