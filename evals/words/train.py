"""Trains the words model and measures it on sentences that it was not trained on.

`python -m evals.words.train` writes agent/turns/words/{weights,forest}.json and evals/results/words.json, in about
ten minutes. The same every time on the same machine: nothing is drawn by chance.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agent.turns.words import WordsJudge
from agent.turns.words.features import Language
from agent.turns.words.judge import FOREST, WEIGHTS
from agent.turns.words.language_model import TrigramModel
from agent.turns.words.lexicon import FILLERS
from agent.turns.words.neighbours import Neighbours, principal_axes, profile
from agent.turns.words.tokens import utterance
from evals.words import report
from evals.words.boosting import forest
from evals.words.corpus import WRITINGS, Sentence, Writing, places, read_sentences
from evals.words.dev import Score, dev_figures
from evals.words.examples import (
    Columns,
    Examples,
    by_forest,
    by_logistic,
    cross_validated,
    examples,
    fit_logistic,
    grow,
    stacked,
)
from evals.words.logistic import Array

RESULTS = Path(__file__).parents[1] / "results" / "words.json"
_SHARES = {"plain": 1.0, "punctuated": 0.1, "joined": 0.04}
"""Weights of the writings in the training: more of the rarer ones makes single sentences worse."""
_DIGITS, _AXIS_DIGITS = 3, 5
_AXES = 24
_OF_LANGUAGE = ("lm_", "kind_")
"""How the names of features begin that a model of the language gives."""


def main() -> None:
    trigram = TrigramModel.load()
    if trigram is None:
        raise SystemExit("the trigram model is missing: pip install pocketsphinx")
    sentences = read_sentences()
    mean, axes = _axes(sentences, trigram)
    language = Language(trigram, Neighbours(trigram, mean, axes))
    written = {
        writing: examples(list(places(sentences, writing)), language) for writing in WRITINGS
    }
    training = stacked([(written[writing], _SHARES[writing]) for writing in WRITINGS])
    scores = _scores(training, written, trigram)
    _write(WEIGHTS, _logistic(training))
    grown = forest(grow(training, np.ones(len(training.is_end), dtype=bool)), training.names)
    tables = {"mean": mean.tolist(), "axes": axes.tolist()}
    _write(FOREST, tables | grown.to_dict())
    measured = report.measured(written["plain"], scores, sentences=len(sentences))
    measured["dev"] = {
        "trigram alone": dev_figures(lambda text: trigram.end(utterance(text).tokens)),
        "shipped": dev_figures(_judging(WordsJudge.load())),
        "words only": dev_figures(_judging(WordsJudge.load(with_trigram=False))),
    }
    RESULTS.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    print("\n".join(report.lines(measured)))  # noqa: T201


def _axes(sentences: Sequence[Sentence], trigram: TrigramModel) -> tuple[Array, Array]:
    """From the profiles of all words of the sentences."""
    words = sorted({word for sentence in sentences for word in sentence.words} - FILLERS)
    profiles = [seen for word in words if (seen := profile(word, trigram)) is not None]
    mean, axes = principal_axes(np.array(profiles), _AXES)
    return np.round(mean, _DIGITS), np.round(axes, _AXIS_DIGITS)


def _scores(
    training: Examples, written: Mapping[Writing, Examples], trigram: TrigramModel
) -> dict[str, Array]:
    plain = written["plain"]
    [words_only] = cross_validated(training, [plain], by_logistic(_words(training)))
    by_writing = cross_validated(training, list(written.values()), by_forest)
    return {
        "trigram alone": np.array([trigram.end(utterance(text).tokens) for text in plain.text]),
        "words only": words_only,
        **dict(zip(("shipped", "punctuated", "joined"), by_writing, strict=True)),
    }


def _words(data: Examples) -> Columns:
    """Of the features that need no model of the language."""
    return np.array([i for i, name in enumerate(data.names) if not name.startswith(_OF_LANGUAGE)])


def _logistic(data: Examples) -> dict[str, Any]:
    columns = _words(data)
    weights, bias = fit_logistic(data, np.ones(len(data.is_end), dtype=bool), columns)
    named = {data.names[column]: weight for column, weight in zip(columns, weights, strict=True)}
    return {
        "bias": round(bias, _DIGITS),
        "weights": {
            name: round(float(weight), _DIGITS)
            for name, weight in sorted(named.items())
            if abs(weight) >= 10**-_DIGITS
        },
    }


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")


def _judging(judge: WordsJudge) -> Score:
    return lambda text: judge.judge(text).end_probability


if __name__ == "__main__":
    main()
