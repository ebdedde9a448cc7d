"""The decoder's words to text that people read and intents are matched on."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from livekit.plugins.speechcore import Transcript, Word

_ALTERNATIVE = re.compile(r"\(\d+\)$")
_FIRST_PERSON = re.compile(r"^i(?=$|')")


def is_filler(raw: str) -> bool:
    """True for silence, sentence marks and noises: `<s>`, `<sil>`, `[NOISE]`."""
    return raw[:1] in {"<", "[", "+"} or not raw


def readable_word(raw: str) -> str:
    """`and(2)` -> `and`, `i'm` -> `I'm`, `a._m.` -> `a.m.`"""
    word = _ALTERNATIVE.sub("", raw).replace("_", "")
    return _FIRST_PERSON.sub("I", word)


def join_words(words: Iterable[Word]) -> str:
    """One line, the first letter a capital, no punctuation but apostrophes."""
    line = " ".join(word.text for word in words)
    return line[:1].upper() + line[1:]


def geometric_mean(probabilities: Sequence[float]) -> float:
    """0 for none; one improbable word among several weighs more than in a plain mean."""
    if not probabilities:
        return 0.0
    logs = [math.log(max(probability, 1e-6)) for probability in probabilities]
    return min(1.0, math.exp(sum(logs) / len(logs)))


def transcript(
    words: Sequence[Word], probabilities: Sequence[float], *, is_settled: bool
) -> Transcript:
    return Transcript(
        text=join_words(words),
        words=tuple(words),
        confidence=geometric_mean(probabilities),
        is_settled=is_settled,
    )
