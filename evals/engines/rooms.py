"""Whole calls with local engines of real architectures, at the caller's ear: ours beside the same engines
wired the way livekit's documentation does it.

On a processor Whisper base and a language model of half a billion weights, on a GPU Whisper turbo, one of
one and a half, and Kokoro by PyTorch. The recogniser knows one sentence, with its words at about the times at
which the callers say them; the language model writes a sentence or two of random words.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from livekit.plugins.llama_cpp import ServerOptions

from evals.ear.systems import System, running
from evals.engines.llama import running_llama
from evals.engines.timing import Comparison, Times
from evals.engines.whisper import device
from evals.load.budget import responses
from evals.load.child import child
from evals.load.steady import Order
from evals.load.systems import token_for_own_models
from evals.load.turn import Turn
from tests.models.full_llama import Weights, cached_llama
from tests.models.local_settings import HEARD
from tests.models.random_kokoro import kokoro_folder
from tests.models.random_whisper import scripted_whisper
from tests.stack.processes import LiveKit, livekit_server

_CONTEXT_TOKENS = 4096
_SETTLE_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What a machine is asked to run."""

    whisper: str
    llama: str
    weights: Weights
    """Of the language model."""
    counts: tuple[int, ...]
    """Calls at the same time."""


ON_PROCESSOR = Scale(whisper="base", llama="0.5b", weights="Q4_0", counts=(1,))
ON_GPU = Scale(whisper="turbo", llama="1.5b", weights="F16", counts=(1, 16))


@dataclass(frozen=True)
class Said:
    turns: list[Turn] = field(default_factory=list)
    failed_calls: list[str] = field(default_factory=list)
    """Why each did."""

    def failures(self) -> dict[str, Any]:
        outcomes = [turn.outcome for turn in self.turns]
        return {
            "cut_off": outcomes.count("cut_off"),
            "unanswered": outcomes.count("unanswered"),
            "failed_calls": self.failed_calls,
        }


@dataclass(frozen=True)
class Models:
    whisper: Path
    llama: Path
    kokoro: Path


def rooms(*, n: int) -> list[dict[str, Any]]:
    """Of each system and number of calls `n` turns, of all callers together, or three of each caller."""
    scale = ON_GPU if device() == "cuda" else ON_PROCESSOR
    models = make_models(scale)
    rows = []
    with livekit_server() as server, _both(models, max(scale.counts), server) as systems:
        for count in scale.counts:
            said = [
                asyncio.run(_said(system, server, count, max(n, 3 * count))) for system in systems
            ]
            rows.append(_row(scale, count, said))
    return rows


def make_models(scale: Scale) -> Models:
    """Kept in the cache of the tests' models."""
    llama = cached_llama(size=scale.llama, weights=scale.weights)
    whisper = scripted_whisper(HEARD, size=scale.whisper, quantization="int8", english_only=True)
    return Models(whisper, llama, kokoro_folder())


@contextmanager
def _both(models: Models, most: int, server: LiveKit) -> Iterator[tuple[System, System]]:
    """Ours and the stock one, each with a llama.cpp server of its own; the stock one's stands back for
    nobody."""
    options = ServerOptions(model=models.llama, slots=most, context_tokens=_CONTEXT_TOKENS)
    with tempfile.TemporaryDirectory(prefix="parley-") as folder, ExitStack() as stack:
        kokoro = _voice(models.kokoro, Path(folder))
        url = stack.enter_context(running_llama(replace(options, niceness=0)))
        ours = System(
            name="parley_rooms",
            command=("python", "-m", "agent", "dev", "--no-reload"),
            environment={
                "AGENT_PROFILE": "local",
                "AGENT_STT": f"faster_whisper:{models.whisper}",
                "AGENT_LLM": f"llama_cpp:{models.llama}",
                "AGENT_LLM_SLOTS": str(most),
                "AGENT_LLM_CONTEXT": str(_CONTEXT_TOKENS),
                "AGENT_TTS": f"kokoro:{kokoro}",
                "AGENT_MAX_SESSIONS": str(most),
            },
            profile="local",
        )
        arguments = ("--whisper", str(models.whisper), "--llama", url, "--kokoro", str(kokoro))
        arguments += ("--calls", str(most))
        stock = System(
            name="stock_rooms",
            command=("python", "-m", "evals.baselines.stock_local", *arguments),
        )
        for system in (ours, stock):
            stack.enter_context(running(system, server))
        yield ours, stock


def _voice(made: Path, folder: Path) -> Path:
    """The files that this machine runs: PyTorch's on a GPU, else ONNX's."""
    names = ("model.onnx", "voices.bin")
    if device() == "cuda":
        names = ("kokoro-v1_0.pth", "config.json", "voices")
    for name in names:
        (folder / name).symlink_to(made / name)
    return folder


async def _said(system: System, server: LiveKit, count: int, n: int) -> Said:
    await asyncio.sleep(_SETTLE_S)
    tokens = [token_for_own_models(system) for _ in range(count)]
    order = Order(url=server.url, tokens=tokens, turns=n, text=HEARD)
    said = Said()
    async with child("evals.load.steady", asdict(order)) as callers:
        async for event in callers.events():
            match event.pop("event"):
                case "turn":
                    said.turns.append(Turn(**event))
                case "failed":
                    said.failed_calls.append(event["why"])
                case "end":
                    callers.go_on()
    return said


def _row(scale: Scale, count: int, said: Sequence[Said]) -> dict[str, Any]:
    what = f"Whisper {scale.whisper}, llama {scale.llama}, Kokoro in a room, {count} calls"
    ways = dict(zip(("ours", "baseline"), said, strict=True))
    times = {name: responses(way.turns) for name, way in ways.items()}
    if all(times.values()):
        compared = Comparison.of(what, times).to_dict()
    else:  # somebody answered nothing in time
        compared = {"what": what} | {
            name: asdict(Times.of(found)) if found else None for name, found in times.items()
        }
    return compared | {
        f"{name}_{count_name}": found
        for name, way in ways.items()
        for count_name, found in way.failures().items()
    }
