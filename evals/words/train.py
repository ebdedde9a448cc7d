"""Trains the words model and measures it on sentences that it was not trained on.

`python -m evals.words.train` writes agent/turns/words/weights.json and evals/results/words.json.
The same every time: nothing is drawn by chance.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from agent.turns.words.judge import WEIGHTS
from agent.turns.words.language_model import TrigramModel
from agent.turns.words.tokens import utterance
from evals.words import report
from evals.words.corpus import places, read_sentences
from evals.words.examples import Columns, Examples, cross_validated, examples, fit
from evals.words.logistic import Array

RESULTS = Path(__file__).parents[1] / "results" / "words.json"
_SENTENCE_FOLDS = 10
_DIGITS = 3


def main() -> None:
    trigram = TrigramModel.load()
    if trigram is None:
        raise SystemExit("the trigram model is missing: pip install pocketsphinx")
    sentences = read_sentences()
    data = examples(list(places(sentences)), trigram)
    punctuated = examples(list(places(sentences, is_punctuated=True)), trigram)
    everything = _columns(data, "")
    words_only = np.setdiff1d(everything, _columns(data, "lm_"))
    alone = np.array([trigram.end(utterance(text).tokens) for text in data.text])
    scores = {
        "trigram alone": alone,
        "trigram and length": cross_validated(
            data, data.register, _columns(data, "lm_", "length_")
        ),
        "words only": cross_validated(data, data.register, words_only),
        "shipped": cross_validated(data, data.register, everything),
        "shipped, by sentence": cross_validated(data, _folds(data), everything),
        "shipped, punctuated": _on_punctuated(data, punctuated, everything),
    }
    weights = {
        "with_trigram": _trained(data, everything),
        "words_only": _trained(data, words_only),
    }
    WEIGHTS.write_text(json.dumps(weights, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    measured = report.measured(data, scores, sentences=len(sentences))
    RESULTS.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    print("\n".join(report.lines(measured)))  # noqa: T201


def _columns(data: Examples, *kinds: str) -> Columns:
    """Of the features whose name starts in one of `kinds`."""
    return np.array([i for i, name in enumerate(data.names) if name.startswith(kinds)])


def _folds(data: Examples) -> Array:
    return (data.sentence % _SENTENCE_FOLDS).astype(np.float64)


def _on_punctuated(data: Examples, punctuated: Examples, columns: Columns) -> Array:
    """Trained without punctuation, held-out registers read with it."""
    scores = punctuated.known.copy()
    features = punctuated.columns_of(data.names)
    for register in np.unique(data.register):
        held_out = data.register == register
        weights, bias = fit(data, ~held_out, columns)
        rows = held_out & punctuated.is_trained
        scores[rows] += features[np.ix_(rows, columns)] @ weights + bias
    return scores


def _trained(data: Examples, columns: Columns) -> dict[str, Any]:
    weights, bias = fit(data, np.ones(len(data.is_end), dtype=bool), columns)
    named = {data.names[column]: weight for column, weight in zip(columns, weights, strict=True)}
    return {
        "bias": round(bias, _DIGITS),
        "weights": {
            name: round(float(weight), _DIGITS)
            for name, weight in sorted(named.items())
            if abs(weight) >= 10**-_DIGITS
        },
    }


if __name__ == "__main__":
    main()
