"""What is asked of a recogniser's events in more than one place."""

from __future__ import annotations

from dataclasses import replace

from livekit.agents import stt

INTERIM = stt.SpeechEventType.INTERIM_TRANSCRIPT
PREFLIGHT = stt.SpeechEventType.PREFLIGHT_TRANSCRIPT
FINAL = stt.SpeechEventType.FINAL_TRANSCRIPT
PARTIALS = (INTERIM, PREFLIGHT)
TRANSCRIPTS = (*PARTIALS, FINAL)


def text_of(event: stt.SpeechEvent) -> str:
    return event.alternatives[0].text.strip() if event.alternatives else ""


def without_words(event: stt.SpeechEvent) -> stt.SpeechEvent:
    return replace(event, alternatives=[replace(event.alternatives[0], text="")])
