"""What calls amount to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from evals.ear.metrics import Times, percentile
from evals.ear.recording import Event
from evals.ear.word_errors import word_errors


def summary(values_s: Iterable[float | None]) -> dict[str, Any]:
    """n, p50 and p95 (nearest rank) of those that are known, and how many are not."""
    values = list(values_s)
    known = sorted(value for value in values if value is not None)
    return _figures(known, len(values) - len(known))


def of_times(times: Times) -> dict[str, Any]:
    """The same of the ear's times."""
    return _figures(times.values_s, times.failed) | {"unmeasured": times.unmeasured}


def heard_in_turns(events: Sequence[Event], understood: Iterable[tuple[float, str]]) -> list[str]:
    """What was understood of each event, from its start to that of the next; `understood`: when, on the
    events' clock, and what."""
    starts_s = [*(event.start_s for event in events), float("inf")]
    texts = sorted(understood)
    return [
        " ".join(text for at_s, text in texts if start_s <= at_s < end_s)
        for start_s, end_s in pairwise(starts_s)
    ]


def understanding(said: Sequence[str], heard: Sequence[str]) -> dict[str, Any]:
    """Word error rate over all turns; a turn without any word counts with all of its words."""
    errors = [word_errors(one, other) for one, other in zip(said, heard, strict=True)]
    words = sum(count for _, count in errors)
    return {
        "turns": len(said),
        "words": words,
        "word_error_rate": round(sum(wrong for wrong, _ in errors) / words, 3) if words else None,
        "turns_without_a_word": sum(not text.strip() for text in heard),
        "turns_without_an_error": sum(wrong == 0 for wrong, _ in errors),
    }


def _figures(known: Sequence[float], failed: int) -> dict[str, Any]:
    p50_s, p95_s = percentile(known, 0.5), percentile(known, 0.95)
    return {
        "n": len(known),
        "p50_s": None if p50_s is None else round(p50_s, 3),
        "p95_s": None if p95_s is None else round(p95_s, 3),
        "failed": failed,
    }
