"""Models that are known to be good for a conversation, as data: what to download and on what terms."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A GGUF file on the Hugging Face hub."""

    repo: str
    file: str
    licence: str
    size_mb: int
    """About; 10^6 bytes."""
    context_tokens: int
    """What it was trained for, at most."""
    languages: str
    draft: str | None = None
    """A smaller model with the same vocabulary, for speculative decoding."""


_LLAMA_LANGUAGES = "de en es fr hi it pt th"
_QWEN_LANGUAGES = "29 languages, en and zh best"

MODELS: dict[str, Model] = {
    "qwen2.5-0.5b": Model(
        repo="Qwen/Qwen2.5-0.5B-Instruct-GGUF",
        file="qwen2.5-0.5b-instruct-q4_k_m.gguf",
        licence="Apache-2.0",
        size_mb=491,
        context_tokens=32_768,
        languages=_QWEN_LANGUAGES,
    ),
    "qwen2.5-1.5b": Model(
        repo="Qwen/Qwen2.5-1.5B-Instruct-GGUF",
        file="qwen2.5-1.5b-instruct-q4_k_m.gguf",
        licence="Apache-2.0",
        size_mb=1_117,
        context_tokens=32_768,
        languages=_QWEN_LANGUAGES,
        draft="qwen2.5-0.5b",
    ),
    "llama-3.2-1b": Model(
        repo="bartowski/Llama-3.2-1B-Instruct-GGUF",
        file="Llama-3.2-1B-Instruct-Q4_K_M.gguf",
        licence="Llama 3.2 Community License",
        size_mb=808,
        context_tokens=131_072,
        languages=_LLAMA_LANGUAGES,
    ),
    "llama-3.2-3b": Model(
        repo="bartowski/Llama-3.2-3B-Instruct-GGUF",
        file="Llama-3.2-3B-Instruct-Q4_K_M.gguf",
        licence="Llama 3.2 Community License",
        size_mb=2_019,
        context_tokens=131_072,
        languages=_LLAMA_LANGUAGES,
        draft="llama-3.2-1b",
    ),
}

DEFAULT_MODEL = "qwen2.5-1.5b"
