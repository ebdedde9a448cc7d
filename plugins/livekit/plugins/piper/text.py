"""Text in the portions that Piper speaks at a time."""

from __future__ import annotations

import re

LONGEST_CHARACTERS = 300
"""Some twenty seconds of speech: a longer sentence is cut at a space."""

_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])\s+|\n+")


def split_sentences(text: str) -> list[str]:
    """What holds a letter or a digit, sentence by sentence.

    `[[` is halved: to Piper it begins phonemes.
    """
    sentences = (piece.strip() for piece in _SENTENCE_END.split(text.replace("[[", "[")))
    return [
        piece
        for sentence in sentences
        for piece in _short(sentence)
        if any(map(str.isalnum, piece))
    ]


def _short(sentence: str) -> list[str]:
    pieces = []
    while len(sentence) > LONGEST_CHARACTERS:
        cut = sentence.rfind(" ", 1, LONGEST_CHARACTERS)
        cut = cut if cut > 0 else LONGEST_CHARACTERS
        pieces.append(sentence[:cut])
        sentence = sentence[cut:].lstrip()
    return [*pieces, sentence]
