"""One decode of one piece of speech, by faster-whisper's own parts, without its 30 s window.

Features, prompt, generation with fallback, alignment of words: `faster_whisper.WhisperModel`. Ours: the
length of what is encoded (`window.py`), and what happens when the result looks doubtful.
"""

from __future__ import annotations

import importlib
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np
from livekit.plugins.speechcore import EngineError
from numpy.typing import NDArray

from .guard import is_doubtful, without_loops
from .hypothesis import HeardWord, Hypothesis, Scores, readable_words
from .options import WhisperOptions
from .window import (
    FRAME_SAMPLES,
    MOST_FRAMES,
    SAMPLE_RATE_HZ,
    content_frames,
    most_new_tokens,
    window_frames,
)

_MOST_PROMPT_TOKENS = 96
"""Of each: hot words, prompt, what was said before. Together they leave a third of the decoder's positions."""

_LEAST_DRAFT_TOKENS = 4
_MOST_DRAFT_TOKENS = 200
_CHOSEN = 0.5

_OPENING_PUNCTUATION = "\"'“¿([{-"
_CLOSING_PUNCTUATION = "\"'.。,，!！?？:：”)]}、"
"""Joined to the word after or before, as in faster-whisper's defaults."""

_LIBRARY_ERRORS = (RuntimeError, ValueError)
"""What CTranslate2 raises, for the memory of a GPU too."""

_FALLBACK_TEMPERATURE = 0.4
"""One sample, for a decode that is doubtful with the whole window too. faster-whisper takes up to five
samples at each of five temperatures, which can make a FINAL ten times as late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the decoder is to know besides the audio."""

    language: str | None
    """None detects it."""
    context: str = ""
    """What was said just before, if anything."""
    draft: tuple[int, ...] = ()
    """Tokens that decodes of less of this audio found; see `Decoder`."""
    is_final: bool


class _Speech(NamedTuple):
    samples: NDArray[np.float32]
    request: Request

    @property
    def frames(self) -> int:
        return content_frames(len(self.samples))

    @property
    def length_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


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

    Tokens come one by one, milliseconds each, and most of them were found a moment ago already.
    So an earlier result serves as a draft: one pass gives each of its tokens a probability, those above
    one half are what a greedy decode would choose, and only what follows them is decoded. (Speculative
    decoding, Leviathan et al. 2023, with the last hypothesis for the small model.)
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
        if len(samples) > MOST_FRAMES * FRAME_SAMPLES:
            raise EngineError("Whisper hears 30 s at most in one go")
        if not np.isfinite(samples).all():
            raise EngineError("the audio has samples that are no numbers")
        speech = _Speech(samples, request)
        with self._turns:
            try:
                return self._decode(speech)
            except _LIBRARY_ERRORS as e:
                raise EngineError(f"Whisper failed: {e}") from e

    def _decode(self, speech: _Speech) -> Hypothesis:
        frames = window_frames(len(speech.samples), self._options.padding_s)
        first = self._attempt(speech, frames, (0.0,))
        if not speech.request.is_final or not is_doubtful(first.scores):
            return first
        # The context may be what led the model astray.
        alone = speech._replace(request=replace(speech.request, context="", draft=()))
        is_new = frames < MOST_FRAMES or speech.request.context
        temperatures = (0.0, _FALLBACK_TEMPERATURE) if is_new else (_FALLBACK_TEMPERATURE,)
        second = self._attempt(alone, MOST_FRAMES, temperatures)
        is_better = not is_doubtful(second.scores) or (
            second.scores.mean_log_probability > first.scores.mean_log_probability
        )
        return second if is_better else first

    def _attempt(self, speech: _Speech, frames: int, temperatures: tuple[float, ...]) -> Hypothesis:
        encoded = self.model.encode(self._features(speech.samples, frames))
        code, probability = self._language_of(speech, encoded)
        language = self._known(code)
        prompt = self._prompt(language.tokenizer, speech.request.context)
        agreed, agreed_log_probability = self._agreed(encoded, prompt, speech)
        options = self._generation(language, speech, len(prompt), len(agreed), temperatures)
        result, log_probability, _, ratio = self.model.generate_with_fallback(
            encoded, [*prompt, *agreed], language.tokenizer, options
        )
        tokens = [token for token in result.sequences_ids[0] if token < language.tokenizer.eot]
        scores = Scores(
            mean_log_probability=log_probability
            + agreed_log_probability / (len(result.sequences_ids[0]) + 1),
            no_speech_probability=float(result.no_speech_prob),
            compression_ratio=float(ratio),
        )
        words = self._words(language, encoded, tokens, speech)
        return Hypothesis(
            words=without_loops(words),
            tokens=tuple(tokens),
            scores=scores,
            language=code,
            language_probability=probability,
        )

    def _agreed(
        self, encoded: Any, prompt: list[int], speech: _Speech
    ) -> tuple[tuple[int, ...], float]:
        """The tokens the draft begins with that the model chooses too, and their log probability."""
        draft = speech.request.draft[:_MOST_DRAFT_TOKENS]
        if len(draft) < _LEAST_DRAFT_TOKENS:
            return (), 0.0
        # It puts the last token of the prompt, which says "no timestamps", there by itself.
        checked = self.model.model.align(encoded, prompt[:-1], [list(draft)], speech.frames)[0]
        agreed = list(takewhile(lambda p: p > _CHOSEN, checked.text_token_probs))
        return draft[: len(agreed)], sum(map(math.log, agreed))

    def _features(self, samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
        padded = np.zeros(frames * FRAME_SAMPLES, np.float32)
        padded[: len(samples)] = samples
        features: NDArray[np.float32] = self.model.feature_extractor(padded, padding=0)
        return features

    def _language_of(self, speech: _Speech, encoded: Any) -> tuple[str, float]:
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

    def _generation(
        self,
        language: _Language,
        speech: _Speech,
        prompt_tokens: int,
        agreed_tokens: int,
        temperatures: tuple[float, ...],
    ) -> Any:
        options = self._options
        most = most_new_tokens(len(speech.samples), prompt_tokens, options.tokens_per_s)
        beam_size = options.beam_size if speech.request.is_final else options.partial_beam_size
        return replace(
            self._defaults,
            beam_size=beam_size,
            suppress_tokens=language.suppressed,
            temperatures=list(temperatures),
            max_new_tokens=max(1, most - agreed_tokens),
        )

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
        self, language: _Language, encoded: Any, tokens: Sequence[int], speech: _Speech
    ) -> tuple[HeardWord, ...]:
        if not tokens:
            return ()
        segment = {"seek": 0, "start": 0.0, "end": speech.length_s, "tokens": tokens}
        self.model.add_word_timestamps(
            [[segment]],
            language.tokenizer,
            encoded,
            speech.frames,
            _OPENING_PUNCTUATION,
            _CLOSING_PUNCTUATION,
            last_speech_timestamp=0.0,
        )
        raw: Any = segment["words"]
        return readable_words(raw, language.code, speech.length_s)

    def _check_prompt(self, what: str, text: str) -> None:
        tokens = len(self.model.hf_tokenizer.encode(text, add_special_tokens=False).ids)
        if tokens > _MOST_PROMPT_TOKENS:
            raise EngineError(
                f"the {what} for Whisper are {tokens} tokens long, {_MOST_PROMPT_TOKENS} at most"
            )
