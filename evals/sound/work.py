"""What is measured, in whichever process: importable, as a pool of processes asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from agent.sound.plan import STAGES, parse_noise
from evals.sound.cells import Bench
from evals.sound.material import CONDITIONS, Condition, human_tracks, spoken_tracks
from evals.vad import VARIABLE

CHAINS = {
    "off": "off",
    "highpass, rnnoise": "highpass,rnnoise",
    "highpass": "highpass",
    "gate": "gate",
    "gain": "gain",
    "all": ",".join(STAGES),
    "rnnoise": "rnnoise",
    "auto": "auto",
}
"""In the order in which they are measured: what would be missed most comes first."""


@dataclass(frozen=True, kw_only=True)
class Options:
    plain: int
    paused: int
    noise_s: float
    every: int
    processes: int
    chains: tuple[str, ...]
    output: Path
    resume: bool
    costs: bool
    table: bool


Work = tuple[Options, str, Condition]


def measure(work: Work) -> dict[str, Any]:
    options, chain, condition = work
    return asdict(bench_of(options).measure(chain, parse_noise(CHAINS[chain]), condition))


@cache
def bench_of(options: Options) -> Bench:
    """One in each process. Raises VadDataError, VoiceError."""
    folder = os.environ.get(VARIABLE)
    return Bench(
        spoken_tracks(options.plain, options.paused),
        human_tracks(Path(folder))[:: options.every] if folder else [],
        options.noise_s,
    )


def all_work(options: Options) -> Iterator[Work]:
    for chain in options.chains:
        for condition in CONDITIONS:
            yield options, chain, condition
