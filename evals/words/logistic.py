"""Logistic regression with a ridge, and how well scores tell ends from pauses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def fit(
    features: Array, offset: Array, is_end: Array, weight: Array, *, ridge: float
) -> tuple[Array, float]:
    """Newton's method on standardised columns; returns weights for the columns as given, and the bias."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread[spread < 1e-9] = 1.0
    columns = np.hstack([(features - mean) / spread, np.ones((len(features), 1))])
    penalty = np.full(columns.shape[1], ridge)
    penalty[-1] = 1e-6
    solution = np.zeros(columns.shape[1])
    for _ in range(30):
        probability = sigmoid(columns @ solution + offset)
        gradient = columns.T @ (weight * (probability - is_end)) + penalty * solution
        curvature = (columns * (weight * probability * (1 - probability))[:, None]).T @ columns
        step = np.linalg.solve(curvature + np.diag(penalty), gradient)
        solution -= step
        if np.abs(step).max() < 1e-6:
            break
    weights = solution[:-1] / spread
    return weights, float(solution[-1] - weights @ mean)


def sigmoid(log_odds: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -30, 30)))


def area_under_curve(scores: Array, is_end: Array, weight: Array) -> float:
    """Chance that an end scores above a pause; ties count half."""
    levels, level = np.unique(scores, return_inverse=True)
    ends = np.bincount(level, weight * is_end, len(levels))
    pauses = np.bincount(level, weight * (1 - is_end), len(levels))
    below = np.concatenate([[0.0], np.cumsum(pauses)[:-1]])
    return float(np.sum(ends * (below + pauses / 2)) / (ends.sum() * pauses.sum()))


def recognised_at(scores: Array, is_end: Array, weight: Array, *, false_share: float) -> float:
    """Share of ends above the score that only `false_share` of the pauses exceed."""
    pauses = is_end < 0.5
    order = np.argsort(-scores[pauses])
    exceeding = np.cumsum(weight[pauses][order]) / weight[pauses].sum()
    threshold = scores[pauses][order][np.searchsorted(exceeding, false_share)]
    ends = ~pauses
    return float(weight[ends][scores[ends] > threshold].sum() / weight[ends].sum())
