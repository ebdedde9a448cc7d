"""Moonshine's models by name: `base`, `tiny`, `base-es`."""

from __future__ import annotations

from dataclasses import dataclass

from livekit.plugins.speechcore import EngineError

ARCHITECTURES = {"tiny": 0, "base": 1}
"""The library's numbers. It also has streaming ones, which encode new sound only. They are not used:
the last sounds of a sentence are decoded when the library's own voice detection ends it, and that
is off (see `library`)."""

LANGUAGES = ("en", "ar", "es", "ja", "ko", "uk", "vi", "zh")
"""Those for which the library's catalogue has one of these. All but the English models are licensed
for non-commercial use only."""

FILES = ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin")

_WITHOUT_SPACES = {"ja", "zh"}


@dataclass(frozen=True, slots=True)
class ModelName:
    """What a name says of a model."""

    architecture: int
    language: str

    @property
    def most_tokens_per_s(self) -> float:
        """A longer answer is a repetition; other languages than these need more tokens a word."""
        return 6.5 if self.language in {"en", "es"} else 13.0

    @property
    def joint(self) -> str:
        """Between two pieces of speech."""
        return "" if self.language in _WITHOUT_SPACES else " "


def parse_model(name: str) -> ModelName:
    """`architecture`, for English, or `architecture-language`. Raises EngineError."""
    architecture, _, language = name.partition("-")
    language = language or "en"
    if architecture not in ARCHITECTURES or language not in LANGUAGES:
        raise EngineError(
            f"there is no moonshine model {name!r}: it is tiny or base, with -es or another language"
            f" behind if it is not English ({', '.join(LANGUAGES)})"
        )
    return ModelName(ARCHITECTURES[architecture], language)


def check_language(language: str | None, model: ModelName) -> None:
    """Raises EngineError for a language that the model does not know; None is the model's own."""
    if language is None:
        return
    primary = language.strip().lower().replace("_", "-").split("-")[0]
    if primary != model.language:
        raise EngineError(
            f"this moonshine model knows {model.language!r} only, not {language!r}: choose another"
        )
