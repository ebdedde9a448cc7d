"""Trains the words model and measures it on sentences that it was not trained on.

`python -m evals.words.train` writes agent/turns/words/weights.json and evals/results/words.json.
The same every time: nothing is drawn by chance.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from agent.turns.words import WordsJudge
from agent.turns.words.judge import WEIGHTS
from agent.turns.words.language_model import TrigramModel
from agent.turns.words.tokens import utterance
from evals.words import report
from evals.words.corpus import WRITINGS, places, read_sentences
from evals.words.dev import Score, dev_figures
from evals.words.examples import Columns, Examples, cross_validated, examples, fit, stacked

RESULTS = Path(__file__).parents[1] / "results" / "words.json"
_SHARES = {"plain": 1.0, "punctuated": 0.1, "joined": 0.04}
"""Weights of the writings in the training: a little of the rarer ones makes them much better."""
_DIGITS = 3


def main() -> None:
    trigram = TrigramModel.load()
    if trigram is None:
        raise SystemExit("the trigram model is missing: pip install pocketsphinx")
    sentences = read_sentences()
    written = {writing: examples(list(places(sentences, writing)), trigram) for writing in WRITINGS}
    plain = written["plain"]
    training = stacked([(written[writing], _SHARES[writing]) for writing in WRITINGS])
    everything = _columns(training, "")
    words_only = np.setdiff1d(everything, _columns(training, "lm_"))
    few = _columns(training, "lm_", "length_")
    alone = np.array([trigram.end(utterance(text).tokens) for text in plain.text])
    scores = {
        "trigram alone": alone,
        "trigram + length": cross_validated(training, plain, "register", few),
        "words only": cross_validated(training, plain, "register", words_only),
        "shipped": cross_validated(training, plain, "register", everything),
        "by sentence": cross_validated(training, plain, "sentence", everything),
        "punctuated": cross_validated(training, written["punctuated"], "register", everything),
        "joined": cross_validated(training, written["joined"], "register", everything),
    }
    weights = {
        "with_trigram": _trained(training, everything),
        "words_only": _trained(training, words_only),
    }
    WEIGHTS.write_text(json.dumps(weights, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    measured = report.measured(plain, scores, sentences=len(sentences))
    measured["dev"] = {
        "trigram alone": dev_figures(lambda text: trigram.end(utterance(text).tokens)),
        "with_trigram": dev_figures(_judging(WordsJudge.load())),
        "words_only": dev_figures(_judging(WordsJudge.load(with_trigram=False))),
    }
    RESULTS.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    print("\n".join(report.lines(measured)))  # noqa: T201


def _columns(data: Examples, *kinds: str) -> Columns:
    """Of the features whose name starts in one of `kinds`."""
    return np.array([i for i, name in enumerate(data.names) if name.startswith(kinds)])


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


def _judging(judge: WordsJudge) -> Score:
    return lambda text: judge.judge(text).end_probability


if __name__ == "__main__":
    main()
