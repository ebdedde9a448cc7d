"""`AGENT_NOISE` as it is written, and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Stage = Literal["highpass", "rnnoise", "gate", "gain"]

STAGES: tuple[Stage, ...] = get_args(Stage)
"""In the order in which the sound passes them."""

RECOMMENDED: tuple[Stage, ...] = ("highpass", "rnnoise")
"""What `on` and `auto` switch on: docs/sound.md says why these."""


@dataclass(frozen=True, kw_only=True)
class NoisePlan:
    """Which stages a call has; none leaves the sound alone."""

    stages: tuple[Stage, ...] = ()
    is_automatic: bool = False
    """They are switched on and off by what is heard."""


def parse_noise(text: str) -> NoisePlan:
    """`off`, `auto`, `on`, or stages with commas between, in any order. Raises ValueError."""
    names = [name.strip().lower() for name in text.split(",")]
    match names:
        case ["off"]:
            return NoisePlan()
        case ["on"]:
            return NoisePlan(stages=RECOMMENDED)
        case ["auto"]:
            return NoisePlan(stages=RECOMMENDED, is_automatic=True)
    for name in names:
        if name not in STAGES:
            raise ValueError(f"{name!r} is none of off, auto, on, or of {', '.join(STAGES)}")
    return NoisePlan(stages=tuple(stage for stage in STAGES if stage in names))
