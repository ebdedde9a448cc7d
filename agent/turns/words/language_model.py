"""The trigram model inside the pocketsphinx wheel: how likely is an end after these words?"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.turns.words.lexicon import FILLERS

END = "</s>"
START = "<s>"
_MODEL = "model/en-us/en-us.lm.bin"
_LOG_BASE = math.log(1.0001)
_UNKNOWN = -100_000_000
"""Below every score of a known word: the library's logarithm of zero."""
_FLOOR = -16.0
_LIKELY, _UNLIKELY = -3.0, -7.0
_LONG_SENTENCE = 10


class TrigramModel:
    """Thread-safe to read. 30 ms and 32 MB to load; a score takes less than a microsecond."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @classmethod
    def load(cls) -> TrigramModel | None:
        """None where pocketsphinx is not installed."""
        spec = importlib.util.find_spec("pocketsphinx")
        if spec is None or not spec.submodule_search_locations:
            return None
        path = Path(spec.submodule_search_locations[0], _MODEL)
        if not path.is_file():
            return None
        import pocketsphinx

        return cls(pocketsphinx.NGramModel.readfile(str(path)))

    def end(self, tokens: Sequence[str]) -> float:
        """ln P(end | the last two words)."""
        return self.score(END, *self._history(tokens))

    def features(self, tokens: Sequence[str]) -> dict[str, float]:
        history = self._history(tokens)
        end = self.score(END, *history)
        return {
            "lm_end": end,
            "lm_end_likely": max(0.0, end - _LIKELY),
            "lm_end_unlikely": max(0.0, _UNLIKELY - end),
            "lm_end_by_length": end * min(1.0, len(tokens) / _LONG_SENTENCE),
        }

    def knows(self, word: str) -> bool:
        return bool(self._model.prob([word]) > _UNKNOWN)

    def score(self, word: str, *history: str) -> float:
        """ln P(word | history), the latest word first."""
        return max(_FLOOR, float(self._model.prob([word, *history])) * _LOG_BASE)

    def _history(self, tokens: Sequence[str]) -> list[str]:
        """The last words, the latest first, as far back as the model knows them; fillers left out."""
        words = [word for word in tokens if word not in FILLERS][-2:]
        history: list[str] = []
        for word in [*reversed(words), START][:2]:
            if word != START and not self.knows(word):
                break
            history.append(word)
        return history
