"""When each written word is spoken, told from when each phoneme is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise, product
from math import inf
from typing import NamedTuple

import numpy as np
from livekit.plugins.speechcore import Word

_WORD = re.compile(r"\S+\s*")
_PHONEME_WORD = re.compile(r"\S+")

_MOVES = ((1, 1), (2, 1), (1, 2), (3, 1), (1, 3))
"""So many words may be heard as so many: "of the" is heard as one."""

_FARTHEST = 4
"""So many words may one side be ahead of the other."""


class _Span(NamedTuple):
    start_s: float
    end_s: float


def word_times(
    written: str, spoken: str, phonemes: str, edges_s: Sequence[float]
) -> tuple[Word, ...]:
    """The words of `written`, with punctuation and the blanks behind them: joined, they are it.

    `spoken` is what was read out for it ("$5" is "five dollars"), `phonemes` how it sounded, and
    `edges_s` when each phoneme begins and the last one ends. A written word has the time of the
    spoken ones it became; words that are spoken as one, as "of the" is, share its time by their
    letters. Times never go backwards.
    """
    words = _words(written)
    spans = _spoken_spans(spoken.split(), phonemes, edges_s)
    if not words or not spans:
        return ()
    said = [_bare(word) for word in spoken.split() if _bare(word)]
    times = _written_spans([_bare(word) for word in words], said, spans)
    return tuple(
        Word(word, float(time.start_s), float(time.end_s))
        for word, time in zip(words, times, strict=True)
    )


def _words(written: str) -> list[str]:
    """What has no letter goes with the word before it, or with the first one."""
    words: list[str] = []
    pending = written[: len(written) - len(written.lstrip())]
    for piece in _WORD.findall(written):
        if _bare(piece):
            words.append(pending + piece)
            pending = ""
        elif words:
            words[-1] += piece
        else:
            pending += piece
    return words


def _bare(word: str) -> str:
    return "".join(character for character in word.casefold() if character.isalnum())


def _spoken_spans(spoken: Sequence[str], phonemes: str, edges_s: Sequence[float]) -> list[_Span]:
    words = [_bare(word) for word in spoken if _bare(word)]
    sounds = [m for m in _PHONEME_WORD.finditer(phonemes) if _bare(m[0])]
    if not words or not sounds:
        return []
    spans: list[_Span] = []
    lengths = [m.end() - m.start() for m in sounds]
    for i1, i2, j1, j2 in _blocks([len(word) for word in words], lengths):
        whole = _Span(edges_s[sounds[j1].start()], edges_s[sounds[j2 - 1].end()])
        spans += _shared(words[i1:i2], whole)
    return spans


def _blocks(letters: Sequence[int], sounds: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """Which words are which sounds, both given by length: from, to; from, to.

    One to one, or a few to one where that fits the lengths best (dynamic programming); all to all
    when nothing fits.
    """
    n, m = len(letters), len(sounds)
    if n == m:
        return [(i, i + 1, i, i + 1) for i in range(n)]
    sounds_per_letter = sum(sounds) / sum(letters)
    best: dict[tuple[int, int], tuple[float, tuple[int, int]]] = {(0, 0): (0.0, (0, 0))}
    for i, j in product(range(n), range(m)):
        if (i, j) not in best or abs(i * m - j * n) > _FARTHEST * max(n, m):
            continue
        for words, heard in _MOVES:
            to = (i + words, j + heard)
            misfit = sum(letters[i : to[0]]) * sounds_per_letter - sum(sounds[j : to[1]])
            cost = best[i, j][0] + misfit * misfit
            if to[0] <= n and to[1] <= m and cost < best.get(to, (inf,))[0]:
                best[to] = (cost, (i, j))
    if (n, m) not in best:
        return [(0, n, 0, m)]
    path = [(n, m)]
    while path[-1] != (0, 0):
        path.append(best[path[-1]][1])
    path.reverse()
    return [(i1, i2, j1, j2) for (i1, j1), (i2, j2) in pairwise(path)]


def _written_spans(
    written: Sequence[str], said: Sequence[str], spans: Sequence[_Span]
) -> list[_Span]:
    times: list[_Span] = []
    now_s = spans[0].start_s
    matcher = SequenceMatcher(None, written, said, autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            times += spans[j1:j2]
        elif kind == "replace":
            times += _shared(written[i1:i2], _Span(spans[j1].start_s, spans[j2 - 1].end_s))
        elif kind == "delete":  # read out as nothing
            times += [_Span(now_s, now_s)] * (i2 - i1)
        now_s = max(now_s, times[-1].end_s if times else now_s)
    return times


def _shared(words: Sequence[str], span: _Span) -> list[_Span]:
    """`span`, by the letters of `words`."""
    letters = np.cumsum([0, *(len(word) for word in words)])
    edges = span.start_s + letters / letters[-1] * (span.end_s - span.start_s)
    return [_Span(float(a), float(b)) for a, b in pairwise(edges)]
