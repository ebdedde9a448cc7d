"""The places of the training sentences as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agent.turns.words.asked import asked_for
from agent.turns.words.features import Evidence, evidence
from agent.turns.words.language_model import TrigramModel
from agent.turns.words.tokens import utterance
from evals.words import logistic
from evals.words.corpus import Place
from evals.words.logistic import Array

Columns = npt.NDArray[np.intp]

RIDGE = 10.0
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
    is_trained: npt.NDArray[np.bool_]
    """False where the known log odds say all there is."""
    is_end: Array
    is_complete: npt.NDArray[np.bool_]
    weight: Array
    register: npt.NDArray[np.str_]
    sentence: npt.NDArray[np.int_]

    def columns_of(self, names: Sequence[str]) -> Array:
        """The features in the order of `names`; nothing for those this set has not."""
        columns = np.zeros((len(self.features), len(names)))
        for index, name in enumerate(names):
            if name in self.names:
                columns[:, index] = self.features[:, self.names.index(name)]
        return columns


def examples(places: Sequence[Place], trigram: TrigramModel | None) -> Examples:
    found = [
        evidence(utterance(place.words), asked_for(place.agent_said), trigram) for place in places
    ]
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
        sentence=np.array([place.sentence for place in places]),
    )


def _matrix(found: Iterable[Evidence], names: Sequence[str]) -> Array:
    column = {name: index for index, name in enumerate(names)}
    rows = [each.features for each in found]
    matrix = np.zeros((len(rows), len(names)))
    for row, features in zip(matrix, rows, strict=True):
        for name, value in features.items():
            if name in column:
                row[column[name]] = value
    return matrix


def fit(data: Examples, rows: npt.NDArray[np.bool_], columns: Columns) -> tuple[Array, float]:
    """Weights of the columns and the bias, from the trained rows; ends weigh as much as pauses."""
    rows = rows & data.is_trained
    share = np.where(data.is_complete, _COMPLETE, data.is_end)[rows]
    ends, pauses = data.weight[rows] * share, data.weight[rows] * (1 - share)
    ends *= pauses.sum() / ends.sum()
    weight = ends + pauses
    return logistic.fit(
        data.features[np.ix_(rows, columns)],
        data.known[rows],
        ends / weight,
        weight / weight.mean(),
        ridge=RIDGE,
    )


def cross_validated(data: Examples, folds: npt.NDArray[np.generic], columns: Columns) -> Array:
    """Log odds of every place from weights that never saw its fold."""
    scores = data.known.copy()
    for fold in np.unique(folds):
        held_out = folds == fold
        weights, bias = fit(data, ~held_out, columns)
        rows = held_out & data.is_trained
        scores[rows] += data.features[np.ix_(rows, columns)] @ weights + bias
    return scores
