"""The places of the training sentences as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from agent.turns.words.features import Evidence, evidence
from agent.turns.words.language_model import TrigramModel
from agent.turns.words.tokens import utterance
from evals.words import logistic
from evals.words.corpus import Place
from evals.words.logistic import Array

Columns = npt.NDArray[np.intp]

RIDGE = 10.0
Folds = Literal["register", "sentence"]

_SENTENCE_FOLDS = 10
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

    def folds(self, kind: Folds) -> npt.NDArray[np.generic]:
        return self.register if kind == "register" else self.sentence % _SENTENCE_FOLDS

    def columns_of(self, names: Sequence[str]) -> Array:
        """The features in the order of `names`; nothing for those this set has not."""
        columns = np.zeros((len(self.features), len(names)))
        for index, name in enumerate(names):
            if name in self.names:
                columns[:, index] = self.features[:, self.names.index(name)]
        return columns


def examples(places: Sequence[Place], trigram: TrigramModel | None) -> Examples:
    found = [evidence(utterance(place.words), place.agent_said, trigram) for place in places]
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
        sentence=np.concatenate([part.sentence for part, _ in parts]),
    )


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


def cross_validated(training: Examples, tested: Examples, kind: Folds, columns: Columns) -> Array:
    """Log odds of every tested place from weights that never saw its fold."""
    scores = tested.known.copy()
    features = tested.columns_of(training.names)
    for fold in np.unique(tested.folds(kind)):
        weights, bias = fit(training, training.folds(kind) != fold, columns)
        rows = (tested.folds(kind) == fold) & tested.is_trained
        scores[rows] += features[np.ix_(rows, columns)] @ weights + bias
    return scores
