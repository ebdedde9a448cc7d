"""How long a speaker pauses behind what was said."""

from __future__ import annotations

COMMA_PAUSE_MS = 120.0
SENTENCE_PAUSE_MS = 250.0
JOIN_PAUSE_MS = 30.0
"""Between two clauses with nothing written between them."""

_CLOSERS = "\"'”’)]}*_~`» \t"


def pause_after_ms(clause: str) -> float:
    """The pause that a speaker makes behind `clause`, by how it ends."""
    if clause.endswith("\n"):
        return SENTENCE_PAUSE_MS
    end = clause.rstrip(_CLOSERS)[-1:]
    if end and end in ".!?…。！？:：":
        return SENTENCE_PAUSE_MS
    return COMMA_PAUSE_MS if end and end in ",;，；、-–—" else JOIN_PAUSE_MS
