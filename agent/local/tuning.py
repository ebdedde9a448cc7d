"""How the local engines run on this machine: measured once by `parley tune`, read at every start."""

from __future__ import annotations

import json
import logging
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agent.private_files import write_private
from agent.speech.planner import ClausePlanner, Cost

logger = logging.getLogger(__name__)

FILE = "tuning.json"
"""In the cache folder."""

_AS_QUICK = 1.05
"""So many times the least time is no slower: it is what two measurements differ by."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What was chosen for each engine; 0 and "" leave it to the engine."""

    whisper_threads: int = 0
    whisper_compute_type: str = ""
    """A quantisation of CTranslate2."""
    whisper_batch: int = 1
    """How many callers' interims are decoded together."""
    kokoro_threads: int = 0
    kokoro_variant: str = ""
    """The precision of the weights: "v1.0-int8"."""
    kokoro_fixed_s: float = 0.0
    """How long a clause takes until it can be heard, whatever its length."""
    kokoro_per_s: float = 0.0
    """How much longer for each second that it is spoken; 0 when it was not measured."""
    llama_threads: int = 0
    llama_first_s: float = 0.0
    """Until the first token of an answer, where only the caller's last words are new to the model."""

    def planner(self) -> ClausePlanner | None:
        """One that knows the voice's speed before its first clause; None when it was not measured.

        What it sees in a call counts more with each clause.
        """
        if not self.kokoro_per_s:
            return None
        return ClausePlanner(first=self._cost(), work=self._cost())

    def _cost(self) -> Cost:
        cost = Cost(self.kokoro_fixed_s, self.kokoro_per_s)
        for audio_s in (1.0, 3.0):  # two points of the line, so that it is not forgotten at once
            cost.add(audio_s, self.kokoro_fixed_s + self.kokoro_per_s * audio_s)
        return cost


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one choice cost."""

    engine: str
    threads: int
    seconds: float
    """Median, of the work that callers wait for."""
    variant: str = ""
    """The precision, as the engine names it."""
    fixed_s: float = 0.0
    """Of a voice: how long a clause takes, and how much more for each second of its speech."""
    per_s: float = 0.0
    batch: int = 1
    """How many callers' pieces are better made together than one after the other."""
    first_s: float = 0.0
    """Of a language model: until the first token of an answer in a conversation that it has read."""

    def planner(self) -> ClausePlanner | None:
        """What plans clauses for this voice; None for what is no voice."""
        return tuning_of({"kokoro": self}).planner()


def machine() -> dict[str, Any]:
    """What must be the same for a tuning to count."""
    return {"cores": os.cpu_count(), "processor": platform.machine(), "system": platform.system()}


def best(measurements: Sequence[Measurement]) -> dict[str, Measurement]:
    """The choice for each engine: of those that are within 5 % of the quickest the most precise one,
    with the fewest threads. An engine's precisions were measured with the most precise first."""
    chosen: dict[str, Measurement] = {}
    for engine in dict.fromkeys(each.engine for each in measurements):
        own = [each for each in measurements if each.engine == engine]
        variants = list(dict.fromkeys(each.variant for each in own))
        limit_s = _AS_QUICK * min(each.seconds for each in own)
        chosen[engine] = min(
            (each for each in own if each.seconds <= limit_s),
            key=lambda each: (variants.index(each.variant), each.threads),
        )
    return chosen


def pays_together(count: int, *, one_s: float, together_s: float) -> bool:
    """Whether callers who come at once wait less, on average, when all of them are served together:
    one after the other the n-th waits for n."""
    return together_s < one_s * (count + 1) / 2


def tuning_of(chosen: dict[str, Measurement]) -> Tuning:
    """From engine names, as settings have them, to the numbers."""
    nothing = Measurement(engine="", threads=0, seconds=0.0)
    whisper = chosen.get("faster_whisper", nothing)
    kokoro = chosen.get("kokoro", nothing)
    llama = chosen.get("llama_cpp", nothing)
    return Tuning(
        whisper_threads=whisper.threads,
        whisper_compute_type=whisper.variant,
        whisper_batch=whisper.batch,
        kokoro_threads=kokoro.threads,
        kokoro_variant=kokoro.variant,
        kokoro_fixed_s=kokoro.fixed_s,
        kokoro_per_s=kokoro.per_s,
        llama_threads=llama.threads,
        llama_first_s=llama.first_s,
    )


def save(folder: Path, tuning: Tuning, measurements: Sequence[Measurement]) -> Path:
    """Writes the choice with what it was made from; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "machine": machine(),
        "tuning": asdict(tuning),
        "measurements": [asdict(each) for each in measurements],
    }
    write_private(folder / FILE, json.dumps(content, indent=1) + "\n")
    return folder / FILE


def load(folder: Path) -> Tuning:
    """The saved tuning; the defaults when there is none, or it is another machine's or unreadable."""
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if content["machine"] != machine():
            logger.warning("the tuning is of another machine and not used: run `parley tune`")
            return Tuning()
        kinds = {name: type(value) for name, value in asdict(Tuning()).items()}
        return Tuning(**{k: kinds[k](v) for k, v in content["tuning"].items() if k in kinds})
    except FileNotFoundError:
        return Tuning()
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ):
        logger.warning("the tuning file cannot be read and is not used: run `parley tune`")
        return Tuning()
