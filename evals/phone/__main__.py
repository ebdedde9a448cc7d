"""Parley called by telephone, over loopback: sipp, livekit-sip, LiveKit server on Redis, a worker.

    python -m evals.phone                            # all parts: half an hour
    python -m evals.phone calls keys --n 4 --output phone.json

`calls`: answered, greeted, ended by either side. `understood`: word errors of the embedded recogniser by
telephone and in a room. `turns`: response and interruptions. `keys`: what is pressed. docs/phone.md tells how
livekit-sip and sipp are had. A part replaces what the file has of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from evals.bench import console, told
from evals.ear.caller import CallFailed
from evals.ear.systems import SystemFailed
from evals.load.results import RESULTS, conditions, read, write
from evals.phone import bridge, parts, sipp
from tests.stack.processes import running_worker

_EARS_KNOW = {"AGENT_PROFILE": "embedded", "AGENT_STT": "simulated"}
"""The recogniser is told the words; who answers and who speaks is real."""

_FIRST_IN_LINE = -10
"""Niceness."""

PARTS = {
    "calls": (parts.short_calls, _EARS_KNOW),
    "understood": (parts.understood, {"AGENT_PROFILE": "embedded"}),
    "turns": (parts.turns, {"AGENT_PROFILE": "simulated"}),
    "keys": (parts.keys, {"AGENT_PROFILE": "simulated"}),
}


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Raises SystemExit, with a message, for what cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.phone",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("parts", nargs="*", metavar="|".join(PARTS), default=[])
    add("--n", type=int, default=20, help="calls, sentences, turns or numbers of each part")
    add("--output", type=Path, default=RESULTS / "phone.json", metavar="FILE")
    options = parser.parse_args(arguments)
    if unknown := [part for part in options.parts if part not in PARTS]:
        parser.error(f"there is no part {', '.join(unknown)}; use {', '.join(PARTS)}")
    if options.n < 1:
        parser.error("--n: there must be one at least")
    options.parts = options.parts or list(PARTS)
    return options


def measure(part: str, n: int) -> dict[str, Any]:
    """Raises SystemFailed, CallFailed, CorpusError, VoiceError."""
    work, environment = PARTS[part]
    with bridge.bridge() as between:
        settings = between.livekit.environment | {"AGENT_NAME": parts.AGENT} | environment
        with running_worker(settings) as worker, _first_in_line():
            found = asyncio.run(_call(between, worker, work, n))
    facts = conditions(worker=environment, programs=_programs(), codec="PCMU, 20 ms")
    return {"conditions": facts, **found}


@contextmanager
def _first_in_line() -> Iterator[None]:
    """The telephone stands for a machine of its own, which has not to wait for ours, where that may be."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _FIRST_IN_LINE)
    try:
        yield
    finally:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, 0)


async def _call(between: bridge.Bridge, worker: Any, work: Any, n: int) -> dict[str, Any]:
    async with between.api() as client:
        found: dict[str, Any] = await work(parts.Lines(between, client, worker), n)
        return found


def _programs() -> dict[str, str]:
    """The first line that each says of itself."""
    commands = ([bridge.program(), "--version"], [sipp.program(), "-v"])
    answers = [subprocess.run(c, capture_output=True, text=True, timeout=10) for c in commands]
    lines = [(answer.stdout + answer.stderr).strip().splitlines() for answer in answers]
    return {
        Path(command[0]).name: next((line.strip() for line in found if line.strip()), "")
        for command, found in zip(commands, lines, strict=True)
    }


def main() -> None:
    options = parse_options(sys.argv[1:])
    # livekit calls it an error that rooms are closed, as they are at the end of a call.
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    with told():
        sipp.program()
        for part in options.parts:
            console.print(f"… {part}", highlight=False)
            try:
                found = measure(part, options.n)
            except CallFailed as e:
                raise SystemFailed(f"A call failed: {e}.") from None
            write(options.output, read(options.output) | {part: found})
            console.print_json(json.dumps(found["figures"]))


if __name__ == "__main__":
    main()
