"""What is asked of a recogniser's events in more than one place."""

from __future__ import annotations

from dataclasses import replace

from livekit.agents import stt
from livekit.plugins.speechio import PAUSE_SCORE

INTERIM = stt.SpeechEventType.INTERIM_TRANSCRIPT
PREFLIGHT = stt.SpeechEventType.PREFLIGHT_TRANSCRIPT
FINAL = stt.SpeechEventType.FINAL_TRANSCRIPT
PARTIALS = (INTERIM, PREFLIGHT)
TRANSCRIPTS = (*PARTIALS, FINAL)


def text_of(event: stt.SpeechEvent) -> str:
    return event.alternatives[0].text.strip() if event.alternatives else ""


def pause_score_of(event: stt.SpeechEvent) -> float | None:
    """The recogniser's own score that its speaker has ended; None of most."""
    metadata = event.alternatives[0].metadata if event.alternatives else None
    score = metadata.get(PAUSE_SCORE) if metadata else None
    return score if isinstance(score, float) and 0 <= score <= 1 else None


def without_words(event: stt.SpeechEvent) -> stt.SpeechEvent:
    return replace(event, alternatives=[replace(event.alternatives[0], text="")])
