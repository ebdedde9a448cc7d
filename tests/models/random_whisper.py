"""Whisper models without weights that anybody trained, as folders that faster-whisper loads. No torch.

`random_whisper` has the exact architecture of a size and random weights: it costs what the real model
costs and says nonsense, the same for the same sound. `scripted_whisper` says one sentence, whatever it is
given, with words at set times.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
from ctranslate2.specs import WhisperSpec
from livekit.plugins.faster_whisper.languages import LANGUAGES
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

CACHE = Path(__file__).parents[2] / ".parley" / "test-models"

_VERSION = 5
"""To be raised when models made before are no good any more."""

_TEXT_TOKENS = 50_257
_LAST_TOKEN = 51_865
_ENGLISH = ("en",)
_MULTILINGUAL = tuple(sorted(LANGUAGES - {"yue"}))
_RANDOM_WORDS = 600
"""So many tokens, words of two letters, have a chance: real words are about as short to a guard."""

_SURENESS = 20.0
"""Spread of the logits: as sure of its nonsense as a real model of what it hears well."""

_SPELLINGS, _LESS_LIKELY = 4, 0.6
"""Other spellings of a scripted word, and the part of its logit that each has."""

_FIRST_WORD_S, _WORD_S = 0.4, 0.2
"""When a scripted word begins in what is decoded, and how long it lasts."""


@dataclass(frozen=True)
class Size:
    width: int
    layers: int
    """Of the encoder, and of the decoder unless `decoder_layers` says otherwise."""
    heads: int
    decoder_layers: int | None = None
    mels: int = 80


SIZES = {
    "mini": Size(64, 2, 2),
    "tiny": Size(384, 4, 6),
    "base": Size(512, 6, 8),
    "small": Size(768, 12, 12),
    "turbo": Size(1280, 32, 20, decoder_layers=4, mels=128),
}


def random_whisper(
    size: str = "mini", *, quantization: str | None = "int8", cache: Path = CACHE
) -> Path:
    """The folder of a multilingual model with random weights, made in `cache` if it is not there."""
    folder = cache / f"random-whisper-{size}-{quantization}-{_VERSION}"
    if not folder.is_dir():
        _Maker(SIZES[size], _two_letter_words()).save(folder, quantization)
    return folder


def scripted_whisper(
    sentence: str,
    *,
    size: str = "mini",
    quantization: str | None = None,
    english_only: bool = False,
    cache: Path = CACHE,
) -> Path:
    """The folder of a model that says `sentence`, of different words in lower case.

    It costs what the real model of its size costs for so many words.
    """
    languages = _ENGLISH if english_only else _MULTILINGUAL
    parts = (sentence.replace(" ", "-")[:80], size, quantization, len(languages), _VERSION)
    name = "-".join(["scripted-whisper", *map(str, parts)])
    if not (cache / name).is_dir():
        maker = _Maker(SIZES[size], sentence.split(), languages)
        maker.script()
        maker.save(cache / name, quantization)
    return cache / name


def _two_letter_words() -> list[str]:
    letters = product(ascii_lowercase, repeat=2)
    return ["".join(pair) for pair in islice(letters, _RANDOM_WORDS)]


class _Maker:
    """Fills a specification of CTranslate2."""

    def __init__(
        self, size: Size, words: Sequence[str], languages: Sequence[str] = _MULTILINGUAL
    ) -> None:
        self._size = size
        self._random = np.random.default_rng(0)
        self._words = list(words)
        self._languages = languages
        self._tokens = _vocabulary(words, languages)
        self._decoder_layers = size.decoder_layers or size.layers
        self._spec = WhisperSpec(size.layers, size.heads, self._decoder_layers, size.heads)
        self._fill()

    def script(self) -> None:
        """Makes every token of the sentence call for the next, and its attention rest on its time."""
        width, decoder = self._size.width, self._spec.decoder
        for layer in (*self._spec.encoder.layer, *decoder.layer):
            for block in (layer.self_attention, getattr(layer, "attention", None)):
                if block is not None:
                    _silence(block.linear[-1])
            _silence(layer.ffn.linear_1)
        _silence(self._spec.encoder.conv2)
        self._spec.encoder.position_encodings.encodings = times = _time_codes(width)
        decoder.position_encodings.encodings = np.zeros((448, width), np.float32)
        chain = ["<|notimestamps|>", *(f"Ġ{word}" for word in self._words), "<|endoftext|>"]
        ids = [self._tokens.index(token) for token in chain]
        seen = _normalised(decoder.embeddings.weight[ids])
        decoder.projection.weight = np.zeros_like(decoder.embeddings.weight)
        decoder.projection.weight[ids[1:]] = seen[:-1] / 2
        self._spell_otherwise(ids[1:-1])
        first_stamp = self._tokens.index("<|0.00|>")
        decoder.embeddings.weight[first_stamp:] = decoder.embeddings.weight[ids[0]]
        if len(self._languages) > 1:
            start, english = (self._tokens.index(t) for t in ("<|startoftranscript|>", "<|en|>"))
            decoder.projection.weight[english] = (
                _normalised(decoder.embeddings.weight[[start]])[0] / 2
            )
        self._attend(seen[:-1], _normalised(times))

    def _spell_otherwise(self, words: Sequence[int]) -> None:
        """Gives each word spellings that are less likely and lead to the same next word.

        The other beams of a search take these and end with the best one, as those of a real model do.
        Without them they wander off, end by chance, and five such ends stop the search early.
        """
        decoder, first = self._spec.decoder, self._tokens.index("Ġ@0")
        for number, word in enumerate(words):
            others = slice(first + number * _SPELLINGS, first + (number + 1) * _SPELLINGS)
            decoder.embeddings.weight[others] = decoder.embeddings.weight[word]
            decoder.projection.weight[others] = decoder.projection.weight[word] * _LESS_LIKELY

    def _attend(self, seen: NDArray[np.float32], times: NDArray[np.float32]) -> None:
        """The first head of the last layer: the query of a token is the key of its frame."""
        head = self._size.width // self._size.heads
        frames = [round((_FIRST_WORD_S + n * _WORD_S) / 0.02) for n in range(len(seen))]
        wanted = times[frames, :head] * 4
        attention = self._spec.decoder.layer[-1].attention
        attention.linear[0].weight[:head] = (np.linalg.pinv(seen) @ wanted).T
        attention.linear[1].weight[:head] = np.eye(head, self._size.width, dtype=np.float32)

    def save(self, folder: Path, quantization: str | None) -> None:
        config = self._spec.config
        first_language = self._tokens.index("<|startoftranscript|>") + 1
        config.lang_ids = list(range(first_language, first_language + len(self._languages)))
        config.suppress_ids = config.suppress_ids_begin = []
        config.alignment_heads = [[self._decoder_layers - 1, 0]]
        self._spec.register_vocabulary(self._tokens)
        self._spec.validate()
        self._spec.optimize(quantization=quantization)
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
        self._spec.save(str(unfinished))
        _tokenizer(self._tokens).save(str(unfinished / "tokenizer.json"))
        features = {"chunk_length": 30, "feature_size": self._size.mels, "hop_length": 160}
        (unfinished / "preprocessor_config.json").write_text(
            json.dumps(features | {"n_fft": 400, "sampling_rate": 16_000})
        )
        try:
            unfinished.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(unfinished)

    def _fill(self) -> None:
        width, encoder, decoder = self._size.width, self._spec.encoder, self._spec.decoder
        encoder.conv1.weight, encoder.conv1.bias = (
            self._normal(width, self._size.mels, 3),
            _zeros(width),
        )
        encoder.conv2.weight, encoder.conv2.bias = self._normal(width, width, 3), _zeros(width)
        encoder.position_encodings.encodings = self._normal(1500, width)
        # Stronger than the tokens: what comes next depends on the place, and does not run in circles.
        decoder.position_encodings.encodings = self._normal(448, width, scale=0.5)
        decoder.scale_embeddings = False
        decoder.embeddings.weight = self._normal(len(self._tokens), width)
        decoder.projection.weight = np.zeros((len(self._tokens), width), np.float32)
        likely, scale = slice(1, 1 + len(self._words)), _SURENESS / math.sqrt(width)
        decoder.projection.weight[likely] = self._normal(len(self._words), width, scale=scale)
        for part in (encoder, decoder):
            self._norm(part.layer_norm)
            for layer in part.layer:
                self._layer(layer)

    def _layer(self, layer: Any) -> None:
        width = self._size.width
        self._attention(layer.self_attention, (3 * width, width))
        if hasattr(layer, "attention"):
            self._attention(layer.attention, (width, 2 * width, width))
        self._linear(layer.ffn.linear_0, 4 * width, width)
        self._linear(layer.ffn.linear_1, width, 4 * width)
        self._norm(layer.ffn.layer_norm)

    def _attention(self, attention: Any, widths: Sequence[int]) -> None:
        for linear, width in zip(attention.linear, widths, strict=True):
            self._linear(linear, width, self._size.width)
        self._norm(attention.layer_norm)

    def _linear(self, linear: Any, outputs: int, inputs: int) -> None:
        linear.weight, linear.bias = self._normal(outputs, inputs), _zeros(outputs)

    def _norm(self, norm: Any) -> None:
        norm.gamma, norm.beta = np.ones(self._size.width, np.float32), _zeros(self._size.width)

    def _normal(self, *shape: int, scale: float = 0.02) -> NDArray[np.float32]:
        return (self._random.standard_normal(shape) * scale).astype(np.float32)


def _zeros(count: int) -> NDArray[np.float32]:
    return np.zeros(count, np.float32)


def _silence(layer: Any) -> None:
    """Its output is nothing, and so is what it adds to the residual."""
    layer.weight = np.zeros_like(layer.weight)


def _normalised(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a layer norm makes of rows."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    normal: NDArray[np.float32] = centred / (centred.std(axis=1, keepdims=True) + 1e-5)
    return normal


def _time_codes(width: int) -> NDArray[np.float32]:
    """A code for each of 1500 encoded frames that is like its neighbours' and unlike all others."""
    frames = np.arange(1500)[:, None]
    periods = np.geomspace(20, 3000, width // 2)[None, :]
    angles = 2 * math.pi * frames / periods
    codes = np.stack([np.cos(angles), np.sin(angles)], axis=2)
    return codes.reshape(1500, width).astype(np.float32)


def _vocabulary(words: Sequence[str], languages: Sequence[str]) -> list[str]:
    """Whisper's, with other words: the special tokens have the places CTranslate2 knows them by."""
    text = ["!", *(f"Ġ{word}" for word in words)]
    is_multilingual = len(languages) > 1
    blanks = _TEXT_TOKENS - len(text) - 1
    text += [f"Ġ@{number}" for number in range(blanks)]
    # CTranslate2 takes a model for multilingual whose last text token is empty.
    text.append("" if is_multilingual else "Ġ@")
    special = [
        "<|endoftext|>",
        "<|startoftranscript|>",
        *(f"<|{language}|>" for language in languages),
        *(f"<|{name}|>" for name in ("translate", "transcribe", "startoflm", "startofprev")),
        "<|nospeech|>",
        "<|notimestamps|>",
    ]
    stamps = _LAST_TOKEN - _TEXT_TOKENS - len(special)
    return [*text, *special, *(f"<|{number * 0.02:.2f}|>" for number in range(stamps))]


def _tokenizer(tokens: Sequence[str]) -> Tokenizer:
    """Whole words, with the byte coding of Whisper's: a word begins with a space."""
    tokenizer = Tokenizer(
        models.WordLevel({token: n for n, token in enumerate(tokens)}, unk_token="!")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = [token for token in tokens if token.startswith("<|")]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    return tokenizer
