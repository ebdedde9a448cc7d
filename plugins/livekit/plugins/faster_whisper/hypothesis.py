"""What one decode found: words with times and probabilities, and how sure the model was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from livekit.plugins.speechcore import Transcript, Word

from .languages import is_spaced


@dataclass(frozen=True, slots=True)
class HeardWord(Word):
    probability: float = 0.0
    """0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Whisper's own figures for one decode."""

    mean_log_probability: float
    """Of its tokens."""
    no_speech_probability: float
    """Of the token that stands for "no speech", at the first position."""
    compression_ratio: float
    """Of its text by zlib: above 2.4 it repeats itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    words: tuple[HeardWord, ...]
    """Times in seconds from the first sample of the piece."""
    tokens: tuple[int, ...]
    """As decoded, whatever became of the words."""
    scores: Scores
    language: str
    language_probability: float
    """1 when it was told."""


def readable_words(
    raw: Iterable[Mapping[str, Any]], language: str, longest_s: float
) -> tuple[HeardWord, ...]:
    """The words of `WhisperModel.add_word_timestamps`, their times in order and within the audio.

    It parts a word at a hyphen; what does not begin with a space is joined to the word before.
    """
    words: list[HeardWord] = []
    for item in raw:
        text = item["word"]
        earliest_s = words[-1].end_s if words else 0.0
        start_s = min(longest_s, max(earliest_s, float(item["start"])))
        end_s = min(longest_s, max(start_s, float(item["end"])))
        probability = float(item["probability"])
        if words and is_spaced(language) and not text.startswith(" "):
            last = words.pop()
            text, start_s = last.text + text, last.start_s
            probability = min(last.probability, probability)
        if text.strip():
            words.append(HeardWord(text.strip(), start_s, end_s, probability))
    return tuple(words)


def transcript(words: Sequence[HeardWord], language: str, *, is_settled: bool) -> Transcript:
    """Confidence is the mean over the words. Nothing is never settled."""
    joint = " " if is_spaced(language) else ""
    return Transcript(
        text=joint.join(word.text for word in words),
        words=tuple(words),
        confidence=sum(word.probability for word in words) / len(words) if words else 0.0,
        is_settled=is_settled and bool(words),
        language=language,
    )
