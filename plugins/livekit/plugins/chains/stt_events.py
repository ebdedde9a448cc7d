"""livekit's speech events to what a turn works with, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from livekit.agents import LanguageCode, stt
from livekit.agents.types import TimedString
from livekit.agents.utils import is_given
from livekit.plugins.speechcore import Word

from .stt_heard import Heard, HeardKind

_KINDS = {
    stt.SpeechEventType.START_OF_SPEECH: HeardKind.STARTED,
    stt.SpeechEventType.INTERIM_TRANSCRIPT: HeardKind.INTERIM,
    stt.SpeechEventType.PREFLIGHT_TRANSCRIPT: HeardKind.PREFLIGHT,
    stt.SpeechEventType.FINAL_TRANSCRIPT: HeardKind.FINAL,
    stt.SpeechEventType.END_OF_SPEECH: HeardKind.ENDED,
}
_TYPES = {kind: event_type for event_type, kind in _KINDS.items()}


def to_heard(event: stt.SpeechEvent, offset_s: float) -> Heard | None:
    """`offset_s`: the session's time at the first sample of the chain's audio. None for usage.

    Raises whatever a malformed event causes.
    """
    kind = _KINDS.get(event.type)
    if kind is None:
        return None
    if not event.alternatives:
        return Heard(kind, source=event)
    data = event.alternatives[0]
    words = _words(data.words or (), offset_s)
    end_s = words[-1].end_s if words else data.end_time - offset_s
    is_known = bool(data.end_time or words) and math.isfinite(end_s)
    return Heard(kind, data.text.strip(), words, end_s if is_known else None, event)


def to_event(heard: Heard, language: LanguageCode) -> stt.SpeechEvent:
    """The member's own event, as far as it was given on. `language`: for one that had no source."""
    kind = _TYPES[heard.kind]
    event = heard.source
    if not isinstance(event, stt.SpeechEvent):
        is_transcript = heard.kind not in (HeardKind.STARTED, HeardKind.ENDED)
        made = [stt.SpeechData(language=language, text=heard.text)] if is_transcript else []
        return stt.SpeechEvent(kind, alternatives=made)
    if not event.alternatives:
        return replace(event, type=kind)
    data = event.alternatives[0]
    if heard.text != data.text.strip():
        data = _with_fewer_words(data, heard)
    return replace(event, type=kind, alternatives=[data, *event.alternatives[1:]])


def _with_fewer_words(data: stt.SpeechData, heard: Heard) -> stt.SpeechData:
    """`heard` has a run of the words of `data`, or of its text alone."""
    words = (data.words or [])[heard.skipped :][: len(heard.words)]
    if words:
        start_s, end_s = words[0].start_time, words[-1].end_time
        if is_given(start_s) and is_given(end_s):
            data = replace(data, start_time=start_s, end_time=end_s)
    return replace(data, text=heard.text, words=words or None)


def _words(words: Sequence[TimedString], offset_s: float) -> tuple[Word, ...]:
    """Empty unless every word has its times."""
    timed = []
    for word in words:
        start_s, end_s = word.start_time, word.end_time
        if not (is_given(start_s) and is_given(end_s) and math.isfinite(end_s)):
            return ()
        timed.append(Word(str(word), start_s - offset_s, end_s - offset_s))
    return tuple(timed)
