"""A text in the pieces that Kokoro makes one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from livekit.plugins.speechcore.text import ClauseLength, ClauseSplitter

_WORD = re.compile(r"\s*\S+\s*|\s+")

_GROWTH = 2
"""The next clause may be so many times what was spoken before it: a machine that makes speech in
half the time it lasts then leaves no gap."""


def clauses(text: str, *, first_chars: int, max_chars: int) -> Iterator[str]:
    """The first as short as may be, each next one longer while the ones before are spoken.

    Joined, they are the text but for blanks at its end. Only a word longer than twice `max_chars`
    is cut within.
    """
    splitter = ClauseSplitter(_first(first_chars, max_chars))
    spoken_chars = 0
    for word in (*_WORD.findall(text), None):
        if word is None:
            splitter.finish()
        else:
            splitter.push(word)
        while (clause := splitter.take()) is not None:
            yield from _cut(clause, max_chars)
            spoken_chars += len(clause)
            longest = min(max(_GROWTH * spoken_chars, 2 * first_chars), max_chars)
            splitter.length = _later(longest)


def halves(text: str) -> tuple[str, str]:
    """`text` of two characters or more, cut at the blank nearest to its middle if there is one."""
    middle = len(text) // 2
    blanks = (at for at in range(1, len(text)) if text[at - 1].isspace())
    at = min(blanks, key=lambda at: abs(at - middle), default=middle)
    return text[:at], text[at:]


def _cut(clause: str, max_chars: int) -> Iterator[str]:
    while len(clause) > 2 * max_chars:
        yield clause[:max_chars]
        clause = clause[max_chars:]
    yield clause


def _first(chars: int, max_chars: int) -> ClauseLength:
    return ClauseLength(
        sentence_chars=chars,
        comma_chars=chars,
        conjunction_chars=2 * chars,
        max_chars=min(4 * chars, max_chars),
    )


def _later(longest: int) -> ClauseLength:
    return ClauseLength(
        sentence_chars=longest // 2,
        comma_chars=longest * 2 // 3,
        conjunction_chars=longest,
        max_chars=longest,
    )
