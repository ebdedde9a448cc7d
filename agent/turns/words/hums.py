"""Hummed assent in whatever letters a recogniser writes it: `mm hmm`, `uh-huh`, `um hum`, `mhm`.

Two syllables, of which the second begins with an h: with a nasal (`mm hm`, `umhum`) or a vowel (`uh huh`).
One syllable is a hesitation (`uhm`), and so is `um hmm`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

ASSENT = (
    r"m+[ ']?h+(?:m+|u+[hmn]+)|"
    r"u+h*m+(?:[ ']?h+u+[hmn]+|'?h+m+)|"
    r"[au]+n*(?:h+|h*[ ']h+)u+[hmn]+"
)
"""For words as `utterance` gives them, with a blank between."""

_ASSENT = re.compile(ASSENT)


def is_assent(tokens: Sequence[str]) -> bool:
    """Whether these words are one such sound and nothing else."""
    return 0 < len(tokens) <= 2 and bool(_ASSENT.fullmatch(" ".join(tokens)))
