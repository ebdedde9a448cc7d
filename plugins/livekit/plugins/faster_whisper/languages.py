"""The languages of Whisper's multilingual models."""

from __future__ import annotations

from livekit.plugins.speechcore import EngineError

LANGUAGES = frozenset(
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr"
    " ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc"
    " pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo zh"
    " yue".split()
)

_OTHER_NAMES = {"jv": "jw", "nb": "no", "fil": "tl", "iw": "he", "cmn": "zh"}

_UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Written without spaces between words; faster-whisper gives their characters one by one."""


def whisper_language(language: str | None) -> str | None:
    """`en-GB` -> `en`; None for None or nothing, which is to be detected.

    Raises EngineError for a language Whisper was not trained on.
    """
    if not language:
        return None
    primary = language.strip().lower().replace("_", "-").split("-")[0]
    code = _OTHER_NAMES.get(primary, primary)
    if code not in LANGUAGES:
        raise EngineError(
            f"Whisper does not know the language {language!r}: give a code such as en"
        )
    return code


def is_spaced(language: str) -> bool:
    """Whether words are written with spaces between them."""
    return language not in _UNSPACED
