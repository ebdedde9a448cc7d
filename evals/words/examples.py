"""The places of the training sentences as numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import lightgbm
import numpy as np
import numpy.typing as npt

from agent.turns.words.features import Evidence, Language, evidence
from agent.turns.words.tokens import utterance
from evals.words import boosting, logistic
from evals.words.corpus import Place
from evals.words.logistic import Array

Columns = npt.NDArray[np.intp]
Rows = npt.NDArray[np.bool_]

RIDGE = 10.0
FOLDS = 8
_COMPLETE = 0.5
"""Where the words could be all they are as good as an end half the time."""


@dataclass(frozen=True, kw_only=True)
class Examples:
    text: tuple[str, ...]
    names: tuple[str, ...]
    features: Array
    """A row a place, a column a name."""
    known: Array
    """Log odds known without training."""
    is_trained: Rows
    """False where the known log odds say all there is."""
    is_end: Array
    is_complete: Rows
    weight: Array
    register: npt.NDArray[np.str_]

    @property
    def folds(self) -> npt.NDArray[np.intp]:
        """By register."""
        return np.unique(self.register, return_inverse=True)[1] % FOLDS

    def columns_of(self, names: Sequence[str]) -> Array:
        """The features in the order of `names`; nothing for those this set has not."""
        columns = np.zeros((len(self.features), len(names)))
        for index, name in enumerate(names):
            if name in self.names:
                columns[:, index] = self.features[:, self.names.index(name)]
        return columns


def examples(places: Sequence[Place], language: Language | None) -> Examples:
    found = [evidence(utterance(place.words), place.agent_said, language) for place in places]
    names = tuple(sorted({name for each in found for name in each.features}))
    return Examples(
        text=tuple(place.words for place in places),
        names=names,
        features=_matrix(found, names),
        known=np.array([each.log_odds for each in found]),
        is_trained=np.array([bool(each.features) for each in found]),
        is_end=np.array([float(place.is_end) for place in places]),
        is_complete=np.array([place.is_complete for place in places]),
        weight=np.array([place.plausibility for place in places]),
        register=np.array([place.register for place in places]),
    )


def _matrix(found: Iterable[Evidence], names: Sequence[str]) -> Array:
    column = {name: index for index, name in enumerate(names)}
    rows = [each.features for each in found]
    matrix = np.zeros((len(rows), len(names)))
    for row, features in zip(matrix, rows, strict=True):
        for name, value in features.items():
            row[column[name]] = value
    return matrix


def stacked(parts: Sequence[tuple[Examples, float]]) -> Examples:
    """All examples in one set, those of each part at its weight; columns as in the first."""
    names = parts[0][0].names
    return Examples(
        text=tuple(text for part, _ in parts for text in part.text),
        names=names,
        features=np.vstack([part.columns_of(names) for part, _ in parts]),
        known=np.concatenate([part.known for part, _ in parts]),
        is_trained=np.concatenate([part.is_trained for part, _ in parts]),
        is_end=np.concatenate([part.is_end for part, _ in parts]),
        is_complete=np.concatenate([part.is_complete for part, _ in parts]),
        weight=np.concatenate([part.weight * weight for part, weight in parts]),
        register=np.concatenate([part.register for part, _ in parts]),
    )


def fit_logistic(data: Examples, rows: Rows, columns: Columns) -> tuple[Array, float]:
    """Weights of the columns and the bias, from the trained rows."""
    rows = rows & data.is_trained
    return logistic.fit(
        data.features[np.ix_(rows, columns)], data.known[rows], *_targets(data, rows), ridge=RIDGE
    )


def grow(data: Examples, rows: Rows) -> lightgbm.Booster:
    rows = rows & data.is_trained
    return boosting.grow(data.features[rows], data.known[rows], *_targets(data, rows))


def _targets(data: Examples, rows: Rows) -> tuple[Array, Array]:
    """The share of ends at each place, and its weight; ends weigh as much as pauses."""
    share = np.where(data.is_complete, _COMPLETE, data.is_end)[rows]
    ends, pauses = data.weight[rows] * share, data.weight[rows] * (1 - share)
    ends *= pauses.sum() / ends.sum()
    weight = ends + pauses
    return ends / weight, weight / weight.mean()


Fitted = Callable[[Array], Array]
"""From features to the log odds that they add."""
Fitter = Callable[[Examples, Rows], Fitted]


def by_logistic(columns: Columns) -> Fitter:
    def fitted(data: Examples, rows: Rows) -> Fitted:
        weights, bias = fit_logistic(data, rows, columns)
        return lambda features: features[:, columns] @ weights + bias

    return fitted


def by_forest(data: Examples, rows: Rows) -> Fitted:
    booster = grow(data, rows)
    return lambda features: boosting.log_odds(booster, features)


def cross_validated(training: Examples, tested: Sequence[Examples], fit: Fitter) -> list[Array]:
    """Log odds of every tested place from a fit that never saw its fold, a fold being some registers."""
    scores = [each.known.copy() for each in tested]
    for fold in range(FOLDS):
        add = fit(training, training.folds != fold)
        for each, score in zip(tested, scores, strict=True):
            rows = (each.folds == fold) & each.is_trained
            score[rows] += add(each.columns_of(training.names)[rows])
    return scores
