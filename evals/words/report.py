"""How well scores tell the ends of turns from pauses: figures a register, calibration, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from evals.words.examples import Examples
from evals.words.logistic import Array, area_under_curve, recognised_at, sigmoid

FALSE_SHARE = 0.05
_CALIBRATION = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 1.0)


def measured(data: Examples, scores: Mapping[str, Array], *, sentences: int) -> dict[str, Any]:
    """Places marked as complete count neither as an end nor as a pause."""
    counted = ~data.is_complete
    return {
        "sentences": sentences,
        "ends": int(data.is_end.sum()),
        "pauses": int((counted & (data.is_end < 0.5)).sum()),
        "false_share": FALSE_SHARE,
        "scores": {
            name: {
                "all": _figures(data, score, counted),
                "registers": {
                    str(register): _figures(data, score, counted & (data.register == register))
                    for register in np.unique(data.register)
                },
            }
            for name, score in scores.items()
        },
        "calibration": {
            name: list(_calibration(data, score, counted))
            for name, score in scores.items()
            if name != "trigram alone"
        },
    }


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    names = list(figures["scores"])
    yield f"{figures['sentences']} sentences, {figures['ends']} ends, {figures['pauses']} pauses; AUC / share of ends"
    yield f"recognised when {FALSE_SHARE:.0%} of the pauses are taken for ends. Registers are held out."
    yield f"{'':14} {'ends':>5} " + " ".join(f"{name:>20}" for name in names)
    registers = [*figures["scores"][names[0]]["registers"], "all"]
    for register in registers:
        row = [_of(figures["scores"][name], register) for name in names]
        cells = " ".join(f"{each['auc']:>13.3f} / {each['recognised']:.2f}" for each in row)
        yield f"{register:14} {row[0]['ends']:>5} {cells}"
    for name, groups in figures["dev"].items():
        yield f"AUC on dev ({name}): " + "  ".join(
            f"{group} {each['auc']:.3f} ({each['ends']}/{each['pauses']})"
            for group, each in groups.items()
        )
    for name, table in figures["calibration"].items():
        yield f"said → true ({name}): " + "  ".join(
            f"{bin_['said']:.2f}→{bin_['true']:.2f}" for bin_ in table
        )


def _of(score: Mapping[str, Any], register: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = score["all"] if register == "all" else score["registers"][register]
    return found


def _figures(data: Examples, score: Array, rows: npt.NDArray[np.bool_]) -> dict[str, float]:
    is_end, weight = data.is_end[rows], data.weight[rows]
    return {
        "ends": int(is_end.sum()),
        "pauses": int(len(is_end) - is_end.sum()),
        "auc": round(area_under_curve(score[rows], is_end, weight), 4),
        "recognised": round(recognised_at(score[rows], is_end, weight, false_share=FALSE_SHARE), 3),
    }


def _calibration(
    data: Examples, score: Array, rows: npt.NDArray[np.bool_]
) -> Iterator[dict[str, float]]:
    """Share of true ends among the places of each range of probability, at equal prior."""
    probability, is_end, weight = sigmoid(score[rows]), data.is_end[rows], data.weight[rows]
    ends = weight * is_end / (weight * is_end).sum()
    pauses = weight * (1 - is_end) / (weight * (1 - is_end)).sum()
    for low, high in zip(_CALIBRATION, _CALIBRATION[1:], strict=False):
        inside = (probability >= low) & (probability < high)
        total = ends[inside].sum() + pauses[inside].sum()
        if total > 0:
            yield {
                "n": int(inside.sum()),
                "said": round(float((probability * (ends + pauses))[inside].sum() / total), 3),
                "true": round(float(ends[inside].sum() / total), 3),
            }
