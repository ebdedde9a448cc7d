"""The figures of docs/scaling.md, reckoned from what was measured.

    python -m evals.scaling --write    # puts them into the document
    python -m evals.scaling            # status 1 when it says something else

Cost of a call and of its signals: `evals/results/load.json`; model server: `evals.capacity`. What was not
measured is said to be missing.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.capacity import ENGINES, Talk, final_p95_s, first_p95_s, most_calls, voice_rtf
from evals.markdown import filled, markdown_table

DOCUMENT = Path(__file__).parents[1] / "docs" / "scaling.md"
LOAD = ENGINES.with_name("load.json")
MISSING = "not measured yet"

SIZES = (10_000, 1_000_000)
AS_MEASURED = Talk(spoken_s=(3.0, 3.0), turn_s=4.0, is_even=True)
"""How the callers of `python -m evals.engines calls` talk."""

_COUNTS = (1, 2, 4, 8)
_MANY = (1, 2, 4, 8, 16, 32)
_ENDLESS_S = 10.0
_OVERLOADED = "overloaded"

Content = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Assumed:
    """What is nobody's measurement."""

    call_s: float = 180.0
    """Mean length of a call."""
    busy: float = 0.6
    """Of a processor: more, and answers wait for each other."""
    node_cores: int = 16
    node_gb: int = 64


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """What so many calls at the same time need."""

    worker_nodes: int
    server_nodes: int
    begun_per_s: float
    questions_per_s: float
    """How full are you? Asked of every LiveKit node with a worker for each call that begins."""
    redis_per_s: float | None
    """Commands; None when they were not measured."""
    gbit_s: float | None
    """Out of the LiveKit servers, to callers and to agents."""


def fleet(calls: int, cost: Content, redis: Content | None, assumed: Assumed) -> Fleet:
    """`cost`: the "capacity" of a system in load.json."""
    cores = calls * cost["agent_cores_per_call"] / assumed.busy
    gb = calls * (cost["memory_mb_per_call"] or 0.0) / 1000
    worker_nodes = math.ceil(max(cores / assumed.node_cores, gb / assumed.node_gb))
    server_cores = calls * cost["server_cores_per_call"] / assumed.busy
    server_nodes = math.ceil(server_cores / assumed.node_cores)
    begun_per_s = calls / assumed.call_s
    kbit_s = cost["loopback_kbit_s"]
    return Fleet(
        worker_nodes=worker_nodes,
        server_nodes=server_nodes,
        begun_per_s=begun_per_s,
        questions_per_s=begun_per_s * server_nodes,
        redis_per_s=_redis_per_s(calls, begun_per_s, redis) if redis else None,
        # Half of what was counted went into the server, half came out.
        gbit_s=calls * kbit_s / 2 / 1e6 if kbit_s else None,
    )


def _redis_per_s(calls: int, begun_per_s: float, redis: Content) -> float:
    once = redis["commands_to_begin_a_call"] + redis["commands_to_end_a_call"]
    return float(begun_per_s * once + calls * redis["commands_per_s_of_a_call"])


def cost_table(load: Content) -> str:
    """What a call of each system costs."""
    rows = []
    for name, system in load.get("systems", {}).items():
        found, when = system["capacity"], system["conditions"]
        if found is None:
            rows.append([f"`{name}`", "over the budget alone", *[""] * 8])
            continue
        single = next(step for step in system["steps"] if step["calls"] == 1)
        rows.append(
            [
                f"`{name}`",
                f"{found['calls']} on {when['cores']} cores",
                _number(found["per_core"]),
                _number(found["per_gb"]),
                _number(found["agent_cores_per_call"]),
                _number(found["memory_mb_per_call"]),
                _number(found["server_cores_per_call"]),
                _number(found["loopback_kbit_s"]),
                f"{_number(single['p50_s'])} / {_number(single['p95_s'])} s",
                str(when["turns"]),
            ]
        )
    heads = ["", "most calls", "a core", "a GB", "agent, cores", "agent, MB"]
    heads += ["LiveKit server, cores", "network, kbit/s", "alone, p50 / p95", "turns (n)"]
    return markdown_table(heads, rows or [[f"{MISSING}: `make load`", *[""] * 9]])


def fleet_table(load: Content, assumed: Assumed) -> str:
    """What 10 000 and 1 000 000 calls need, with the engines that cost nothing and with our own."""
    rows = []
    for name in ("parley", "parley_embedded"):
        cost = load.get("systems", {}).get(name, {}).get("capacity")
        for calls in SIZES:
            label = f"{calls:,}".replace(",", " ")
            if cost is None:
                rows.append([f"`{name}`", label, MISSING, *[""] * 5])
                continue
            need = fleet(calls, cost, load.get("redis"), assumed)
            values = (need.begun_per_s, need.redis_per_s, need.questions_per_s, need.gbit_s)
            nodes = [_number(need.worker_nodes), _number(need.server_nodes)]
            rows.append([f"`{name}`", label, *nodes, *map(_number, values)])
    heads = ["", "calls", "worker nodes", "LiveKit nodes", "calls begun / s", "Redis commands / s"]
    heads += ["dispatch questions / s", "out of LiveKit, Gbit/s"]
    return markdown_table(heads, rows)


def redis_sentence(redis: Content | None, assumed: Assumed) -> str:
    """For how many calls one Redis is enough."""
    most = redis and redis["publishes_per_s_at_most"]
    if not redis or not most:
        return f"How many calls one Redis takes: {MISSING} (`python -m evals.load redis`)."
    calls = most / _redis_per_s(1, 1 / assumed.call_s, redis)
    told = "A Redis takes {} messages a second on the machine that was measured: as many as come with {} calls."
    return told.format(_number(most), _number(calls))


def models_table(engines: Content) -> str:
    """How many calls a lane of the model server carries."""
    talk, rtf = Talk(), voice_rtf(engines)
    lanes: dict[str, Callable[[int], float]] = {
        f"Whisper {size}, one thread: FINAL after the flush": (
            lambda calls, size=size: final_p95_s(engines, size, calls, talk)
        )
        for size in ("tiny", "base")
    }
    lanes["Kokoro on two cores: first clause"] = lambda calls: first_p95_s(rtf, calls, talk)
    rows = [[what, *_waits(p95_s), str(most_calls(p95_s))] for what, p95_s in lanes.items()]
    return markdown_table(["p95 s, with so many calls", *map(str, _MANY), "most"], rows)


def check_table(engines: Content) -> str:
    """The simulation beside the real model server, callers as in that measurement."""
    measured = {row["what"]: row for row in engines["calls"]["rows"]}
    rows = [
        ["simulated", *(_number(final_p95_s(engines, "tiny", n, AS_MEASURED)) for n in _COUNTS)],
        [
            "measured",
            *(_number(measured[f"{n} callers, one model server"]["final_p95_s"]) for n in _COUNTS),
        ],
    ]
    return markdown_table(["FINAL, p95 s", *(f"{n} callers" for n in _COUNTS)], rows)


def figures(engines: Content, load: Content) -> dict[str, str]:
    """The tables, by the names of their places in the document."""
    return {
        "cost": cost_table(load),
        "models": models_table(engines),
        "check": check_table(engines),
        "fleet": fleet_table(load, Assumed()),
        "redis": redis_sentence(load.get("redis"), Assumed()),
    }


def up_to_date() -> str:
    """The document as it should be now."""
    engines = json.loads(ENGINES.read_text(encoding="utf-8"))
    load = json.loads(LOAD.read_text(encoding="utf-8")) if LOAD.exists() else {}
    return filled(DOCUMENT.read_text(encoding="utf-8"), figures(engines, load))


def _waits(p95_s: Callable[[int], float]) -> list[str]:
    """A queue that only grows has no p95: what is simulated would tell how long it went on."""
    cells: list[str] = []
    for calls in _MANY:
        is_endless = _OVERLOADED in cells or (waited_s := p95_s(calls)) > _ENDLESS_S
        cells.append(_OVERLOADED if is_endless else _number(waited_s))
    return cells


def _number(value: float | None) -> str:
    """Three figures, thousands apart."""
    if value is None:
        return MISSING
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    if isinstance(value, int):
        digits = min(digits, 0)
    return f"{round(value, digits):,.{min(max(digits, 0), 4)}f}".replace(",", " ")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="puts the figures into the document")
    options = parser.parse_args()
    wanted = up_to_date()
    if options.write:
        DOCUMENT.write_text(wanted, encoding="utf-8")
    return int(DOCUMENT.read_text(encoding="utf-8") != wanted)


if __name__ == "__main__":
    sys.exit(main())
