"""Transcripts as livekit speech events."""

from __future__ import annotations

from livekit.agents import LanguageCode, stt
from livekit.agents.types import TimedString
from livekit.plugins.speechcore import Transcript

PAUSE_SCORE = "pause_score"
"""Key of `SpeechData.metadata`: the recogniser's own 0..1 that the pause it has found is an end."""


def speech_event(
    kind: stt.SpeechEventType,
    transcript: Transcript,
    *,
    language: str,
    offset_s: float = 0.0,
    request_id: str = "",
) -> stt.SpeechEvent:
    """`offset_s` is the stream's `start_time_offset`: livekit wants times on the session's clock."""
    words = [
        TimedString(word.text, start_time=word.start_s + offset_s, end_time=word.end_s + offset_s)
        for word in transcript.words
    ]
    alternative = stt.SpeechData(
        language=LanguageCode(language),
        text=transcript.text,
        start_time=transcript.words[0].start_s + offset_s if words else 0.0,
        end_time=transcript.words[-1].end_s + offset_s if words else 0.0,
        confidence=transcript.confidence,
        words=words,
        metadata=None if transcript.pause_score is None else {PAUSE_SCORE: transcript.pause_score},
    )
    return stt.SpeechEvent(kind, request_id=request_id, alternatives=[alternative])


def usage_event(audio_s: float, *, request_id: str = "") -> stt.SpeechEvent:
    """Audio heard since the last such event: livekit's only source of streaming STT metrics."""
    return stt.SpeechEvent(
        stt.SpeechEventType.RECOGNITION_USAGE,
        request_id=request_id,
        recognition_usage=stt.RecognitionUsage(audio_duration=audio_s),
    )
