"""A llama of random weights as a GGUF file: small enough for a test, loaded and run by llama.cpp as any.

A token is a byte. Its weights are random but for one direction, in which all tokens agree and which
leads to letters: so it writes ASCII, in words and sentences of a kind, and never ends by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType
from numpy.typing import NDArray

CONTEXT_TOKENS = 32_768
END_OF_TURN = 258
TOOL_CALL = 259
"""The tokens <|im_end|> and <tool_call>; neither is ever written unless a request asks for it."""


@dataclass(frozen=True)
class Size:
    layers: int
    width: int
    inner: int
    heads: int = 4


TINY = Size(layers=2, width=64, inner=128)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TAGS = ("<tool_call>", "</tool_call>")
_BLANK = "<blank"
_LETTERS = "abcdefghijklmnopqrstuvwxyz     "
_MARKS = ".?"

CHAT_TEMPLATE = """\
{%- macro head(role) %}<|im_start|>{{ role }}
{% endmacro -%}
{%- set ns = namespace(rest=messages) -%}
{%- if tools %}{{ head('system') }}
{%- if messages and messages[0].role == 'system' %}
{{- messages[0].content + '\\n\\n' }}{% set ns.rest = messages[1:] %}{% endif -%}
Functions you may call:
<tools>
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
</tools>
A call is a JSON object between tags:
<tool_call>{"name": <name>, "arguments": <object>}</tool_call><|im_end|>
{% endif -%}
{%- for message in ns.rest -%}
{%- if message.role == 'tool' -%}
{{ head('user') }}<tool_response>
{{ message.content }}
</tool_response><|im_end|>
{% else -%}
{{ head(message.role) }}{{ message.content if message.content else '' }}
{%- for call in message.tool_calls or [] %}
<tool_call>{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}</tool_call>
{%- endfor %}<|im_end|>
{% endif -%}
{%- endfor -%}
{%- if add_generation_prompt %}{{ head('assistant') }}{% endif -%}
"""


def write_tiny_llama(
    path: Path,
    *,
    architecture: str = "llama",
    size: Size = TINY,
    seed: int = 0,
    working_layers: int | None = None,
    blur: float = 0.0,
) -> Path:
    """Writes it to `path`, the tiny one in some 10 ms; the same bytes for the same seed.

    Layers after the first `working_layers` cost what they cost and change nothing, so that a model
    of those layers alone writes the same. `blur`: spread of noise on the words' weights (0.3).
    """
    tokens = [*_byte_characters(), *SPECIAL, *TAGS]
    writer = GGUFWriter(str(path), architecture)
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(size.width)
    writer.add_block_count(size.layers)
    writer.add_feed_forward_length(size.inner)
    writer.add_head_count(size.heads)
    writer.add_head_count_kv(size.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(size.width // size.heads)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(0)
    # Of no effect, as no token is "he", but some merges must be there.
    add_tokenizer(writer, tokens, ["h e"], rules="gpt-2")
    working = size.layers if working_layers is None else working_layers
    for name, weights in _tensors(len(tokens), size, working, np.random.default_rng(seed)):
        if blur and name == "output.weight":
            weights[:, 1:] += np.random.default_rng(1).normal(0, blur, weights[:, 1:].shape)
        writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def add_tokenizer(
    writer: GGUFWriter, tokens: Sequence[str], merges: Sequence[str], *, rules: str
) -> None:
    """Byte-level BPE with the chat template. `tokens`: text, at its end nothing but tokens that no text
    is read as (`blank`), then SPECIAL and TAGS. `rules`: by whose a text is parted."""
    count = len(tokens) - len(SPECIAL) - len(TAGS)
    kinds = [
        TokenType.UNUSED if token.startswith(_BLANK) else TokenType.NORMAL
        for token in tokens[:count]
    ]
    kinds += [TokenType.CONTROL] * len(SPECIAL) + [TokenType.USER_DEFINED] * len(TAGS)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(rules)
    writer.add_token_list(list(tokens))
    writer.add_token_types(kinds)
    writer.add_token_merges(list(merges))
    writer.add_bos_token_id(count)
    writer.add_eos_token_id(count + 2)
    writer.add_eot_token_id(count + 2)
    writer.add_chat_template(CHAT_TEMPLATE)


def blank(number: int) -> str:
    """A token that no text is read as."""
    return f"{_BLANK}{number}>"


def _tensors(
    vocabulary: int, size: Size, working_layers: int, random: np.random.Generator
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    def weights(*shape: int, scale: float = 0.02) -> NDArray[np.float32]:
        return (random.standard_normal(shape) * scale).astype(np.float32)

    embedding = weights(vocabulary, size.width, scale=0.5)
    embedding[:, 0] = 3.0
    output = weights(vocabulary, size.width, scale=0.3)
    output[:, 0] = -3.0
    output[[ord(letter) for letter in set(_LETTERS)], 0] = 1.0
    output[ord(" "), 0] = 1.4
    output[[ord(mark) for mark in _MARKS], 0] = 0.8
    ones = np.ones(size.width, np.float32)
    yield "token_embd.weight", embedding
    yield "output.weight", output
    yield "output_norm.weight", ones
    for layer in range(size.layers):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", ones
        yield block + "ffn_norm.weight", ones
        works = np.float32(layer < working_layers)
        for kind in ("attn_q", "attn_k", "attn_v"):
            yield f"{block}{kind}.weight", weights(size.width, size.width)
        yield block + "attn_output.weight", weights(size.width, size.width) * works
        yield block + "ffn_gate.weight", weights(size.inner, size.width)
        yield block + "ffn_up.weight", weights(size.inner, size.width)
        yield block + "ffn_down.weight", weights(size.width, size.inner) * works


def _byte_characters() -> list[str]:
    """The character that byte-level BPE writes for each byte: itself if it can be seen."""
    seen = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    unseen = [byte for byte in range(256) if byte not in seen]
    return [chr(byte) if byte in seen else chr(256 + unseen.index(byte)) for byte in range(256)]
