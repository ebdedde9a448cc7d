"""The words model on the pauses that the dev sentences of the ear mark, which it was not trained on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from evals.ear.corpus import lines
from evals.ear.scenario import PAUSE_MARK
from evals.words.logistic import area_under_curve

Score = Callable[[str], float]
_WITHOUT_TURNS = frozenset({"backchannels"})


def dev_figures(score: Score) -> dict[str, dict[str, float]]:
    """AUC of each group: its ends against its pauses, and all ends against all pauses.

    Read as a recogniser without punctuation writes them.
    """
    groups: dict[str, list[tuple[float, float]]] = {}
    for line in lines():
        if line.split == "dev" and line.group not in _WITHOUT_TURNS:
            groups.setdefault(line.group, []).extend(_scored(line.text, score))
    figures = {group: _figures(scored) for group, scored in groups.items() if _has_pauses(scored)}
    return figures | {"all": _figures([each for scored in groups.values() for each in scored])}


def _scored(text: str, score: Score) -> list[tuple[float, float]]:
    """The score of an end, and whether it was one, at each pause and at the end."""
    parts = [re.sub(r"[.,?!]", "", part).strip() for part in text.split(PAUSE_MARK)]
    return [
        (score(" ".join(parts[:count])), float(count == len(parts)))
        for count in range(1, len(parts) + 1)
    ]


def _has_pauses(scored: list[tuple[float, float]]) -> bool:
    return any(not is_end for _, is_end in scored)


def _figures(scored: list[tuple[float, float]]) -> dict[str, Any]:
    scores, is_end = np.array(scored).T
    return {
        "ends": int(is_end.sum()),
        "pauses": int(len(is_end) - is_end.sum()),
        "auc": round(area_under_curve(scores, is_end, np.ones_like(scores)), 4),
    }
