"""A language model with the architecture of Qwen2.5 and random weights as a GGUF file: what it costs is real,
what it says is not.

Its vocabulary is as long as the real one's and has real words: a prompt has as many tokens as it would
have. One direction of its weights leads to common words and full stops, so that it writes sentences that can
be spoken: eight words, one of three at each place, perhaps a comma in the middle, and after a full stop it
ends or goes on. All layers are the same one, which costs what different ones cost.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import quantize
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from tests.models.random_whisper import CACHE
from tests.models.tiny_llama import SPECIAL, TAGS, add_tokenizer, blank

Weights = Literal["F16", "Q4_0"]

VOCABULARY = 151_936
CONTEXT_TOKENS = 32_768


@dataclass(frozen=True)
class Architecture:
    layers: int
    width: int
    inner: int
    heads: int
    shared_heads: int = 2
    """Of keys and values."""


SIZES = {"0.5b": Architecture(24, 896, 4864, 14), "1.5b": Architecture(28, 1536, 8960, 12)}

_VERSION = 5
"""To be raised when models made before are no good any more."""

_LED = 14.0
"""The logit of what follows a token: more than that of all other tokens together."""

_ENDS = 1.5
"""How likely an end is after a full stop; each of three words has 1. Six answers in ten have one sentence."""

_FIRST_SPECIAL = VOCABULARY - len(SPECIAL) - len(TAGS)
_END = _FIRST_SPECIAL + 2
_ROOT = Path(__file__).parents[2]
_WORDS_KNOWN = 8_000
_PLACES = (
    " The We You",
    " Have Can Please",
    " Open Until From",
    " Morning Evening Day",
    " There For With",
    " Two Nine Every",
    " Quiet Second Breakfast",
    " Room Table Floor",
)
"""The words of a sentence, one of each. Each could begin one, for only so is the one before at its end."""

_BEFORE_COMMA = 3
"""The place behind which there is a comma in one sentence of four."""


def cached_llama(*, size: str, weights: Weights, cache: Path = CACHE) -> Path:
    """`write_full_llama`, done once."""
    path = cache / f"full-llama-{size}-{weights}-{_VERSION}.gguf"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        write_full_llama(part, size=size, weights=weights).rename(path)
    return path


def write_full_llama(path: Path, *, size: str, weights: Weights, seed: int = 0) -> Path:
    """`size`: one of SIZES. 1.5b takes 3.5 GB as F16, 1.0 GB as Q4_0. The same bytes for the same seed."""
    built = SIZES[size]
    tokenizer = _tokenizer()
    tokens, merges = _vocabulary(tokenizer)
    kind = GGMLQuantizationType[weights]
    writer = GGUFWriter(str(path), "qwen2")
    writer.add_name("random weights")
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(built.width)
    writer.add_block_count(built.layers)
    writer.add_feed_forward_length(built.inner)
    writer.add_head_count(built.heads)
    writer.add_head_count_kv(built.shared_heads)
    writer.add_rope_freq_base(1_000_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(VOCABULARY)
    add_tokenizer(writer, tokens, merges, rules="qwen2")
    for name, values in _tensors(built, _written(tokenizer), np.random.default_rng(seed)):
        if values.ndim == 1:
            writer.add_tensor(name, values)
        else:
            writer.add_tensor(name, quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tokenizer() -> Tokenizer:
    """Byte-level BPE, learnt from what the repository says."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_WORDS_KNOWN, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    texts = [" ".join(_PLACES) * 50]
    for pattern in ("docs/*.md", "agent/**/*.md", "evals/data/*.yaml"):
        texts += [each.read_text() for each in sorted(_ROOT.glob(pattern))]
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _vocabulary(tokenizer: Tokenizer) -> tuple[list[str], list[str]]:
    """All tokens by their numbers, filled up with ones that nothing is read as; and the merges."""
    known = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    tokens = [token for token, _ in known]
    blanks = VOCABULARY - len(tokens) - len(SPECIAL) - len(TAGS)
    filled = [*tokens, *map(blank, range(blanks)), *SPECIAL, *TAGS]
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return filled, [pair if isinstance(pair, str) else " ".join(pair) for pair in merges]


@dataclass(frozen=True)
class _Written:
    """Tokens."""

    places: list[list[int]]
    comma: int
    full_stop: int
    line_end: int
    """The last one before an answer."""

    @property
    def all(self) -> list[int]:
        return [*(word for place in self.places for word in place), self.comma, self.full_stop]

    def follows(self) -> Iterator[tuple[list[int], list[int]]]:
        """What may come after what, each as likely as another."""
        first = self.places[0]
        yield [self.line_end], first
        yield [self.full_stop], [*first, _END]
        yield [self.comma], self.places[_BEFORE_COMMA + 1]
        yield self.places[_BEFORE_COMMA], [self.comma]
        yield from zip(self.places, [*self.places[1:], [self.full_stop]], strict=True)


def _written(tokenizer: Tokenizer) -> _Written:
    def token(text: str) -> int:
        return int(tokenizer.encode(text).ids[0])

    places = [[token(f" {word}") for word in place.split()] for place in _PLACES]
    return _Written(places, token(","), token("."), token("\n"))


def _tensors(
    built: Architecture, written: _Written, random: np.random.Generator
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """The direction is the first of the width: layers add nothing to it and little to the others."""

    def weights(*shape: int, scale: float) -> NDArray[np.float32]:
        return random.standard_normal(shape, dtype=np.float32) * np.float32(scale)

    embedding = weights(VOCABULARY, built.width, scale=0.5)
    embedding[:, 0] = 3.0
    yield "token_embd.weight", embedding
    output = weights(VOCABULARY, built.width, scale=2.0 / math.sqrt(built.width))
    output[:, 0] = -3.0
    output[written.all] *= 0.1  # one word is as likely as another
    output[written.all, 0] = 1.0
    output[_END, 0] = _ENDS
    # What a token is read as is nearly its own embedding to the end.
    for before, after in written.follows():
        output[after] += sum(_led_by(embedding[token]) for token in before) * _LED
    yield "output.weight", output
    yield "output_norm.weight", np.ones(built.width, np.float32)
    layer = dict(_layer(built, weights))
    for number in range(built.layers):
        for name, values in layer.items():
            yield f"blk.{number}.{name}", values


def _led_by(embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    """What gives a logit of 1 after that token, and about nothing after another."""
    seen = embedding / math.sqrt(float(np.mean(embedding**2)))
    found: NDArray[np.float32] = seen / float(seen @ seen)
    return found


def _layer(
    built: Architecture, weights: Callable[..., NDArray[np.float32]]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    shared = built.width // built.heads * built.shared_heads
    for name in ("attn_norm", "ffn_norm"):
        yield f"{name}.weight", np.ones(built.width, np.float32)
    for name, width in (("attn_q", built.width), ("attn_k", shared), ("attn_v", shared)):
        yield f"{name}.weight", weights(width, built.width, scale=0.02)
        yield f"{name}.bias", np.zeros(width, np.float32)
    for name in ("ffn_gate", "ffn_up"):
        yield f"{name}.weight", weights(built.inner, built.width, scale=0.02)
    for name, inner in (("attn_output", built.width), ("ffn_down", built.inner)):
        values = weights(built.width, inner, scale=0.002)
        values[0] = 0.0
        yield f"{name}.weight", values
