"""One decode of one piece of speech, by faster-whisper's own parts, without its 30 s window.

Features, prompt, generation with fallback, alignment of words: `faster_whisper.WhisperModel`. Ours: the
length of what is encoded (`window.py`), and what happens when the result looks doubtful.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from livekit.plugins.speechcore import EngineError
from numpy.typing import NDArray

from .guard import is_doubtful, without_loops
from .hypothesis import (
    Heard,
    HeardWord,
    Hypothesis,
    heard_of,
    readable_words,
)
from .options import WhisperOptions
from .request import Request, Speech, checked
from .window import FRAME_SAMPLES, MOST_FRAMES, most_new_tokens, window_frames

_MOST_PROMPT_TOKENS = 96
"""Of each: hot words, prompt, what was said before. Together they leave a third of the decoder's positions."""

_OPENING_PUNCTUATION = "\"'“¿([{-"
_CLOSING_PUNCTUATION = "\"'.。,，!！?？:：”)]}、"
"""Joined to the word after or before, as in faster-whisper's defaults."""

_LIBRARY_ERRORS = (RuntimeError, ValueError)
"""What CTranslate2 raises, for the memory of a GPU too."""

_FALLBACK_TEMPERATURE = 0.4
"""One sample, for a decode that is doubtful with the whole window too. faster-whisper takes up to five
samples at each of five temperatures, which can make a FINAL ten times as late."""


class _Language:
    """What faster-whisper needs for one language, made once."""

    def __init__(self, model: Any, code: str) -> None:
        library = importlib.import_module("faster_whisper.tokenizer")
        self.code = code
        self.tokenizer = library.Tokenizer(
            model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=code
        )

    @cached_property
    def suppressed(self) -> Sequence[int]:
        library = importlib.import_module("faster_whisper.transcribe")
        tokens: Sequence[int] = library.get_suppressed_tokens(self.tokenizer, [-1])
        return tokens


class Decoder:
    """A loaded model. Thread-safe: `workers` decodes run at once, the others wait.

    Each token takes a step, milliseconds long, those that an earlier decode found as well: CTranslate2
    makes one for each token that it is given after the task, and its `align`, which takes all in one
    pass, does not say where the text ends. So there is nothing to gain from a draft.
    """

    def __init__(self, model: Any, options: WhisperOptions) -> None:
        """`model`: a `faster_whisper.WhisperModel`. Raises EngineError for a prompt that is too long."""
        self.model = model
        self._options = options
        self._turns = threading.BoundedSemaphore(options.workers)
        self._languages: dict[str, _Language] = {}
        self._check_prompt("prompt", options.prompt)
        self._check_prompt("hot words", options.hot_words)

    @property
    def is_multilingual(self) -> bool:
        return bool(self.model.model.is_multilingual)

    def knows(self, language: str) -> bool:
        """Whether the model was trained on a language of `languages.LANGUAGES`."""
        if not self.is_multilingual:
            return language == "en"
        return self.model.hf_tokenizer.token_to_id(f"<|{language}|>") is not None

    def decode(self, samples: NDArray[np.float32], request: Request) -> Hypothesis:
        """The words in at most 30 s of mono 16 kHz audio (-1..1). Blocks; raises EngineError."""
        speech = checked(samples, request)
        with self._at_work():
            return self._decode(speech)

    def decode_together(
        self, interims: Sequence[tuple[NDArray[np.float32], Request]]
    ) -> list[Hypothesis]:
        """As `decode` of each: those with the same language and context go through the model at once.

        One may differ from what `decode` finds in when its first word begins: faster-whisper corrects
        that by the word before, which is another caller's here.
        """
        speeches = [checked(samples, request) for samples, request in interims]
        batches: dict[tuple[str, str], list[int]] = {}
        alone = []
        for number, speech in enumerate(speeches):
            code = speech.request.language or ("" if self.is_multilingual else "en")
            if code:
                batches.setdefault((code, speech.request.context), []).append(number)
            else:
                alone.append(number)
        found: dict[int, Hypothesis] = {}
        with self._at_work():
            for (code, _), numbers in batches.items():
                batch = [speeches[number] for number in numbers]
                found.update(zip(numbers, self._attempt_together(code, batch), strict=True))
            found.update((number, self._decode(speeches[number])) for number in alone)
        return [found[number] for number in range(len(speeches))]

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        with self._turns:
            try:
                yield
            except _LIBRARY_ERRORS as e:
                raise EngineError(f"Whisper failed: {e}") from e

    def _decode(self, speech: Speech) -> Hypothesis:
        frames = window_frames(len(speech.samples), self._options.padding_s)
        first = self._attempt(speech, frames, (0.0,))
        if not speech.request.is_final or not is_doubtful(first.scores):
            return first
        # The context may be what led the model astray.
        alone = speech._replace(request=replace(speech.request, context=""))
        is_new = frames < MOST_FRAMES or speech.request.context
        temperatures = (0.0, _FALLBACK_TEMPERATURE) if is_new else (_FALLBACK_TEMPERATURE,)
        second = self._attempt(alone, MOST_FRAMES, temperatures)
        is_better = not is_doubtful(second.scores) or (
            second.scores.mean_log_probability > first.scores.mean_log_probability
        )
        return second if is_better else first

    def _attempt(self, speech: Speech, frames: int, temperatures: tuple[float, ...]) -> Hypothesis:
        encoded = self.model.encode(self._features(speech.samples, frames))
        code, probability = self._language_of(speech, encoded)
        language = self._known(code)
        prompt = self._prompt(language.tokenizer, speech.request.context)
        heard = self._generated(encoded, language, prompt, speech, temperatures)
        words = self._words(language, encoded, [(heard, speech)])[0]
        return heard.hypothesis(words, code, probability)

    def _attempt_together(self, code: str, speeches: Sequence[Speech]) -> list[Hypothesis]:
        """Of the same context."""
        padding_s = self._options.padding_s
        frames = max(window_frames(len(speech.samples), padding_s) for speech in speeches)
        features = [self._features(speech.samples, frames) for speech in speeches]
        encoded = self.model.encode(np.stack(features))
        language = self._known(code)
        prompt = self._prompt(language.tokenizer, speeches[0].request.context)
        most = [self._most_new_tokens(speech, prompt) for speech in speeches]
        results = self.model.model.generate(
            encoded,
            [prompt] * len(speeches),
            beam_size=self._options.partial_beam_size,
            max_length=len(prompt) + max(most),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=language.suppressed,
        )
        heard = [
            heard_of(result, language.tokenizer, most=limit)
            for result, limit in zip(results, most, strict=True)
        ]
        words = self._words(language, encoded, list(zip(heard, speeches, strict=True)))
        return [each.hypothesis(said, code, 1.0) for each, said in zip(heard, words, strict=True)]

    def _generated(
        self,
        encoded: Any,
        language: _Language,
        prompt: list[int],
        speech: Speech,
        temperatures: tuple[float, ...],
    ) -> Heard:
        is_final = speech.request.is_final
        options = replace(
            self._defaults,
            beam_size=self._options.beam_size if is_final else self._options.partial_beam_size,
            suppress_tokens=language.suppressed,
            temperatures=list(temperatures),
            max_new_tokens=self._most_new_tokens(speech, prompt),
        )
        result, _, _, _ = self.model.generate_with_fallback(
            encoded, prompt, language.tokenizer, options
        )
        return heard_of(result, language.tokenizer)

    def _features(self, samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
        padded = np.zeros(frames * FRAME_SAMPLES, np.float32)
        padded[: len(samples)] = samples
        features: NDArray[np.float32] = self.model.feature_extractor(padded, padding=0)
        return features

    def _language_of(self, speech: Speech, encoded: Any) -> tuple[str, float]:
        if speech.request.language is not None:
            return speech.request.language, 1.0
        if not self.is_multilingual:
            return "en", 1.0
        token, probability = self.model.model.detect_language(encoded)[0][0]
        return token.strip("<|>"), float(probability)

    def _known(self, code: str) -> _Language:
        if code not in self._languages:
            self._languages[code] = _Language(self.model, code)
        return self._languages[code]

    def _prompt(self, tokenizer: Any, context: str) -> list[int]:
        previous: list[int] = []
        for text in (self._options.prompt, context):
            if text:
                previous += tokenizer.encode(" " + text.strip())[-_MOST_PROMPT_TOKENS:]
        prompt: list[int] = self.model.get_prompt(
            tokenizer,
            previous,
            without_timestamps=True,
            hotwords=self._options.hot_words or None,
        )
        return prompt

    def _most_new_tokens(self, speech: Speech, prompt: list[int]) -> int:
        most = most_new_tokens(len(speech.samples), len(prompt), self._options.tokens_per_s)
        return max(1, most)

    @cached_property
    def _defaults(self) -> Any:
        """Whisper's usual thresholds, and no timestamp tokens: words are aligned anyway."""
        library = importlib.import_module("faster_whisper.transcribe")
        return library.TranscriptionOptions(
            beam_size=1,
            best_of=1,
            patience=1,
            length_penalty=1,
            repetition_penalty=1,
            no_repeat_ngram_size=0,
            log_prob_threshold=-1.0,
            no_speech_threshold=0.6,
            compression_ratio_threshold=2.4,
            condition_on_previous_text=False,
            prompt_reset_on_temperature=0.5,
            temperatures=[0.0],
            initial_prompt=None,
            prefix=None,
            suppress_blank=True,
            suppress_tokens=None,
            without_timestamps=True,
            max_initial_timestamp=1.0,
            word_timestamps=True,
            prepend_punctuations=_OPENING_PUNCTUATION,
            append_punctuations=_CLOSING_PUNCTUATION,
            multilingual=False,
            max_new_tokens=None,
            clip_timestamps="0",
            hallucination_silence_threshold=None,
            hotwords=None,
        )

    def _words(
        self, language: _Language, encoded: Any, batch: Sequence[tuple[Heard, Speech]]
    ) -> list[tuple[HeardWord, ...]]:
        if not any(heard.tokens for heard, _ in batch):
            return [() for _ in batch]
        segments: list[dict[str, Any]] = [
            {"seek": 0, "start": 0.0, "end": speech.length_s, "tokens": heard.tokens}
            for heard, speech in batch
        ]
        self.model.add_word_timestamps(
            [[segment] for segment in segments],
            language.tokenizer,
            encoded,
            [speech.frames for _, speech in batch],
            _OPENING_PUNCTUATION,
            _CLOSING_PUNCTUATION,
            last_speech_timestamp=0.0,
        )
        return [
            without_loops(readable_words(segment["words"], language.code, speech.length_s))
            for segment, (_, speech) in zip(segments, batch, strict=True)
        ]

    def _check_prompt(self, what: str, text: str) -> None:
        tokens = len(self.model.hf_tokenizer.encode(text, add_special_tokens=False).ids)
        if tokens > _MOST_PROMPT_TOKENS:
            raise EngineError(
                f"the {what} for Whisper are {tokens} tokens long, {_MOST_PROMPT_TOKENS} at most"
            )
