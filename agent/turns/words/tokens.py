"""A recogniser's text as bare lower-case words, and the punctuation it ended in."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_WORDS = 60
"""Older words of a long turn say nothing about its end."""

_PIECE = re.compile(r"\.{2,}|…|[\w@$€£#%&'+.:,/_-]+|[?!—–]")
_BREAKS = frozenset("?!")
_STRIP = ".,:;'-_/—–"
_WHOLE = {
    "e-mail": "email",
    "a.m": "am",
    "p.m": "pm",
    "ok": "okay",
    "o.k": "okay",
    "cos": "because",
    "'cause": "because",
}


@dataclass(frozen=True, kw_only=True)
class Utterance:
    tokens: tuple[str, ...]
    """The last words of the turn, lower case, without punctuation."""
    sentence: tuple[str, ...]
    """Those since the last full stop or question mark inside the turn."""
    mark: str
    """What the text ended in: one of `.`, `?`, `!`, `,`, `…`, `-`, or nothing."""


def utterance(text: str) -> Utterance:
    tokens: list[str] = []
    sentence_start = 0
    pieces = _PIECE.findall(text.lower().replace("’", "'"))
    for index, piece in enumerate(pieces):
        tokens += _words(piece)
        is_last = index == len(pieces) - 1
        if not is_last and (piece in _BREAKS or _ends_sentence(piece)):
            sentence_start = len(tokens)
    first = max(0, len(tokens) - MAX_WORDS)
    return Utterance(
        tokens=tuple(tokens[first:]),
        sentence=tuple(tokens[max(sentence_start, first) :]),
        mark=_mark(text.rstrip()),
    )


def _words(piece: str) -> list[str]:
    bare = piece.strip(_STRIP)
    if not bare or bare in _BREAKS or bare == "…":
        return []
    if bare in _WHOLE:
        return [_WHOLE[bare]]
    return [part for part in re.split(r"[-/]|,(?!\d)", bare) if part]


def _ends_sentence(piece: str) -> bool:
    bare = piece.strip(_STRIP)
    return piece.endswith(".") and len(bare) > 1 and bare not in _WHOLE


def _mark(text: str) -> str:
    if text.endswith(("...", "…")):
        return "…"
    if text.endswith(("-", "—", "–")):
        return "-"
    return text[-1] if text[-1:] in {".", "?", "!", ","} else ""
