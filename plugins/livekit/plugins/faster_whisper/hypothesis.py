"""What one decode found: words with times and probabilities, and how sure the model was."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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
    scores: Scores
    language: str
    language_probability: float
    """1 when it was told."""


def compression_ratio(text: str) -> float:
    """How many times shorter zlib makes a text, as Whisper measures it."""
    plain = text.strip().encode()
    return len(plain) / len(zlib.compress(plain))


class Heard(NamedTuple):
    """What was decoded, before its words have times."""

    tokens: tuple[int, ...]
    scores: Scores

    def hypothesis(
        self, words: tuple[HeardWord, ...], language: str, probability: float
    ) -> Hypothesis:
        return Hypothesis(
            words=words,
            scores=self.scores,
            language=language,
            language_probability=probability,
        )


def heard_of(result: Any, tokenizer: Any, *, most: int | None = None) -> Heard:
    """Of CTranslate2's result: its score is the mean over the tokens, the end not counted."""
    generated = result.sequences_ids[0]
    tokens = tuple(token for token in generated[:most] if token < tokenizer.eot)
    return Heard(
        tokens,
        Scores(
            mean_log_probability=float(result.scores[0]) * len(generated) / (len(generated) + 1),
            no_speech_probability=float(result.no_speech_prob),
            compression_ratio=compression_ratio(tokenizer.decode(list(tokens))),
        ),
    )


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
