"""Which of Kokoro's voices reads a text, and as which language."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from livekit.plugins.speechcore import EngineError, Voicing

LANGUAGES = {
    "a": "en-us",
    "b": "en-gb",
    "e": "es",
    "f": "fr-fr",
    "h": "hi",
    "i": "it",
    "j": "ja",
    "p": "pt-br",
    "z": "zh",
}
"""By the first letter of a voice's name: "bf_emma" is British and female."""

SLOWEST, FASTEST = 0.5, 2.0
"""The speeds that the model was made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KokoroOptions:
    """How it speaks where a text's `Voicing` says nothing. Raises EngineError for values out of range."""

    voice: str = "af_heart"

    language: str | None = None
    """None is the voice's own."""

    speed: float = 1.0
    """0.5..2; a text's own speed multiplies it."""

    first_chars: int = 20
    """The least that is spoken first. Less sounds sooner; too little is spoken before the next
    clause is made, on a slow machine."""

    max_chars: int = 160
    """The longest clause made in one step: what is wasted when the caller interrupts."""

    def __post_init__(self) -> None:
        _check_speed(self.speed)
        if not 1 <= self.first_chars <= self.max_chars <= 400:
            raise EngineError(
                f"kokoro's clauses must be 1..400 characters, the first no longer than the others,"
                f" not {self.first_chars} and {self.max_chars}"
            )


@dataclass(frozen=True, slots=True)
class Speaker:
    voice: str
    language: str
    """One of LANGUAGES."""
    speed: float


def find_speaker(
    voicing: Voicing, options: KokoroOptions, *, voices: Sequence[str], languages: Sequence[str]
) -> Speaker:
    """Who reads a text, of the voices and languages that there are.

    Where a language is asked for and no voice, one of that language reads: the set one if it can.
    Raises EngineError for a voice, a language or a speed that there is not.
    """
    speed = voicing.speed * options.speed
    _check_speed(speed)
    voice = _known_voice(voicing.voice or options.voice, voices)
    own = language_of(voice)
    fitting = matching_languages(voicing.language or options.language or own, languages)
    if own in fitting:
        return Speaker(voice, own, speed)
    if voicing.voice is not None:
        return Speaker(voice, fitting[0], speed)
    for native in voices:
        if language_of(native) in fitting:
            return Speaker(native, language_of(native), speed)
    raise EngineError(
        f"kokoro's voices file has no voice for {fitting[0]!r}: name one of another language, or"
        " get them all with `parley download kokoro`"
    )


def language_of(voice: str) -> str:
    return LANGUAGES.get(voice[:1], "en-us")


def matching_languages(wanted: str, languages: Sequence[str]) -> list[str]:
    """Those of `languages` that a tag such as "en", "en_GB" or "fr-CA" means; the best first.

    Raises EngineError when there is none.
    """
    tag = wanted.strip().lower().replace("_", "-")
    if tag in languages:
        return [tag]
    fitting = [known for known in languages if known.split("-")[0] == tag.split("-")[0]]
    if not fitting:
        known = ", ".join(languages)
        if tag.split("-")[0] in ("ja", "zh"):
            raise EngineError(f"kokoro speaks {wanted!r} only as kokoro:torch; here it has {known}")
        raise EngineError(f"kokoro does not speak {wanted!r}, only {known}: choose another engine")
    return fitting


def _known_voice(wanted: str, voices: Sequence[str]) -> str:
    if wanted in voices:
        return wanted
    like = difflib.get_close_matches(wanted.lower(), voices, n=5, cutoff=0.4) or voices[:5]
    raise EngineError(
        f"kokoro's voices file has no voice {wanted!r}; it has {', '.join(like)}, ...:"
        " choose one, or get them all with `parley download kokoro`"
    )


def _check_speed(speed: float) -> None:
    if not SLOWEST <= speed <= FASTEST:
        raise EngineError(f"kokoro's speed must be {SLOWEST:g}..{FASTEST:g}, not {speed:g}")
