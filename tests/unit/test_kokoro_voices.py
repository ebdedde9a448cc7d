"""Which voice reads a text, and as which language."""

from __future__ import annotations

import pytest
from livekit.plugins.kokoro.voices import KokoroOptions, Speaker, find_speaker
from livekit.plugins.speechcore import DEFAULT_VOICING, EngineError, Voicing

VOICES = ["af_heart", "am_adam", "bf_emma", "ef_dora", "ff_siwis", "pf_dora"]
LANGUAGES = ["en-us", "en-gb", "es", "fr-fr", "hi", "it", "pt-br"]


def find(voicing: Voicing = DEFAULT_VOICING, **options: str | float) -> Speaker:
    return find_speaker(
        voicing,
        KokoroOptions(**options),  # type: ignore[arg-type]
        voices=VOICES,
        languages=LANGUAGES,
    )


def test_a_voice_speaks_its_own_language() -> None:
    assert find() == Speaker("af_heart", "en-us", 1.0)
    assert find(voice="bf_emma") == Speaker("bf_emma", "en-gb", 1.0)
    assert find(Voicing(voice="ff_siwis")) == Speaker("ff_siwis", "fr-fr", 1.0)


@pytest.mark.parametrize("tag", ["en", "en-US", "en_us", "EN", "en-AU"])
def test_any_english_is_read_by_an_english_voice(tag: str) -> None:
    assert find(Voicing(language=tag)).voice == "af_heart"


def test_english_without_a_country_leaves_a_british_voice_british() -> None:
    assert find(Voicing(language="en"), voice="bf_emma").language == "en-gb"
    assert find(Voicing(language="en-GB")) == Speaker("bf_emma", "en-gb", 1.0)


@pytest.mark.parametrize(
    ("tag", "voice", "language"),
    [
        ("fr", "ff_siwis", "fr-fr"),
        ("fr-CA", "ff_siwis", "fr-fr"),
        ("es-MX", "ef_dora", "es"),
        ("pt", "pf_dora", "pt-br"),
    ],
)
def test_a_language_is_read_by_a_voice_of_its_own(tag: str, voice: str, language: str) -> None:
    assert find(Voicing(language=tag)) == Speaker(voice, language, 1.0)
    assert find(language=tag) == Speaker(voice, language, 1.0)


def test_a_voice_that_is_asked_for_reads_any_language() -> None:
    assert find(Voicing(voice="am_adam", language="fr")) == Speaker("am_adam", "fr-fr", 1.0)


def test_speeds_multiply() -> None:
    assert find(Voicing(speed=1.25), speed=1.2).speed == pytest.approx(1.5)
    with pytest.raises(EngineError, match=r"speed must be 0\.5\.\.2, not 3"):
        find(Voicing(speed=2.0), speed=1.5)


def test_an_unknown_voice_names_those_like_it() -> None:
    with pytest.raises(EngineError, match=r"no voice 'bf_ema'; it has bf_emma.*parley download"):
        find(Voicing(voice="bf_ema"))


def test_an_unknown_language_names_those_there_are() -> None:
    with pytest.raises(EngineError, match="does not speak 'de', only en-us, en-gb, es"):
        find(Voicing(language="de"))
    with pytest.raises(EngineError, match="'ja' only as kokoro:torch"):
        find(Voicing(language="ja"))


def test_a_language_without_a_voice_is_an_error() -> None:
    with pytest.raises(EngineError, match="has no voice for 'hi'"):
        find(Voicing(language="hi"))
