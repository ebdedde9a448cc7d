"""How long the words alone let a caller pause, and be kept waiting, without a call.

    python -m evals.endpointing [--split dev]

Each place where a sentence of the corpus pauses or ends is put to the end-of-turn policies, with the
words so far and no score of the voice. A pause is cut when the policy decides before it is over,
pauses being spread evenly from 0.3 to 2 s. A second of work shows what a change of the policy does;
the ear (`evals.bench`) has the last word. Figures go to `evals/results/endpointing.json`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from agent.turns.endpointing import ClassicPolicy, EndpointingPolicy, HazardPolicy, TurnView
from agent.turns.patience import BUDGETS, Pace
from agent.turns.words import WordsJudge
from evals.ear.corpus import PAUSE_MARK, Line, lines

RESULTS = Path(__file__).parent / "results" / "endpointing.json"
STT_S = 0.08
PAUSE_S = (0.3, 2.0)
GROUPS = (
    "plain", "pauses", "pauses_hard", "hesitations", "numbers", "spelling", "emails", "addresses",
    "dates",
)  # fmt: skip
_STEP_S = 0.01
_LONGEST_S = 4.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """A silence after some words of a sentence."""

    group: str
    is_end: bool
    views: tuple[TurnView, ...]
    """The silence in steps of 10 ms."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    policy: str
    group: str
    ends: int
    end_p50_s: float
    end_p95_s: float
    pauses: int
    pauses_cut: float | None
    """Share; None without pauses."""


def places(corpus: Iterable[Line], judge: WordsJudge) -> list[Place]:
    found = []
    for line in corpus:
        parts = [_spoken(part) for part in line.text.split(PAUSE_MARK)]
        for count in range(1, len(parts) + 1):
            views = _views(" ".join(parts[:count]), count - 1, judge)
            found.append(Place(group=line.group, is_end=count == len(parts), views=views))
    return found


def wait_s(policy: EndpointingPolicy, place: Place) -> float:
    """The silence after which the policy ends the turn."""
    pace = Pace()
    return next((v.silence_s for v in place.views if policy.is_over(v, pace)), _LONGEST_S)


def cut_share(waited_s: float) -> float:
    """Of evenly spread pauses, those longer than that."""
    shortest_s, longest_s = PAUSE_S
    return min(1.0, max(0.0, (longest_s - waited_s) / (longest_s - shortest_s)))


def figures(name: str, policy: EndpointingPolicy, group: Sequence[Place]) -> Figures:
    ends_s = [wait_s(policy, place) for place in group if place.is_end]
    cut = [cut_share(wait_s(policy, place)) for place in group if not place.is_end]
    return Figures(
        policy=name,
        group=group[0].group,
        ends=len(ends_s),
        end_p50_s=round(float(np.percentile(ends_s, 50)), 2),
        end_p95_s=round(float(np.percentile(ends_s, 95)), 2),
        pauses=len(cut),
        pauses_cut=round(float(np.mean(cut)), 3) if cut else None,
    )


def _spoken(text: str) -> str:
    """As a recogniser that writes no punctuation gives it."""
    kept = "".join(c if c.isalnum() or c in "'’" else " " for c in text.lower())
    return " ".join(kept.split())


def _views(words: str, pauses: int, judge: WordsJudge) -> tuple[TurnView, ...]:
    verdict = judge.judge(words)
    return tuple(
        TurnView(
            silence_s=step * _STEP_S,
            words_quiet_s=step * _STEP_S - STT_S,
            end_probability=verdict.end_probability,
            dictates=verdict.manner.dictates,
            thinks=verdict.manner.thinks,
            is_date=verdict.manner.tells_date,
            pauses=pauses,
        )
        for step in range(round(_LONGEST_S / _STEP_S))
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--split", choices=("dev", "test"), default="dev")
    options = parser.parse_args()
    judge = WordsJudge.load()
    corpus = [it for it in lines() if it.split == options.split and it.group in GROUPS]
    corpus.sort(key=lambda line: GROUPS.index(line.group))
    by_group = [
        list(group) for _, group in groupby(places(corpus, judge), key=lambda place: place.group)
    ]
    policies: dict[str, EndpointingPolicy] = {
        f"hazard, {name}": HazardPolicy(budget) for name, budget in BUDGETS.items()
    }
    policies["classic"] = ClassicPolicy()
    rows = [figures(name, policy, g) for name, policy in policies.items() for g in by_group]
    result = {"split": options.split, "pause_s": PAUSE_S, "rows": [asdict(row) for row in rows]}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    Console().print(_table(rows))


def _table(rows: Sequence[Figures]) -> Table:
    table = Table("policy", "group", "ends", "p50 / p95 s", "pauses", "cut")
    for row in rows:
        cut = "" if row.pauses_cut is None else f"{100 * row.pauses_cut:.1f} %"
        delay = f"{row.end_p50_s:.2f} / {row.end_p95_s:.2f}"
        table.add_row(row.policy, row.group, str(row.ends), delay, str(row.pauses), cut)
    return table


if __name__ == "__main__":
    main()
