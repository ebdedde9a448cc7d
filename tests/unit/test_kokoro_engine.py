"""Kokoro's engine: clause by clause, without silence, every word in its place."""

from __future__ import annotations

import numpy as np
import pytest
from livekit.plugins.kokoro import MAX_TEXT_CHARS, KokoroEngine, KokoroOptions
from livekit.plugins.kokoro.backend import MAX_PHONEMES, SAMPLE_RATE_HZ
from livekit.plugins.speechcore import EngineError, SpeechChunk, Voicing, duration_s

from tests.fakes.kokoro import PHONEME_SAMPLES, FakeBackend

TWO = "This is the first sentence. And here is a second one, which is rather longer than it."


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def engine(backend: FakeBackend) -> KokoroEngine:
    return KokoroEngine(backend)


def samples_of(chunk: SpeechChunk) -> np.ndarray:
    return np.frombuffer(chunk.pcm, dtype=np.int16)


def test_a_clause_is_made_only_when_it_is_wanted(
    backend: FakeBackend, engine: KokoroEngine
) -> None:
    steps = engine.steps(TWO)
    assert not backend.is_loaded
    first = next(steps)
    assert [phonemes for phonemes, _, _ in backend.spoken] == ["this is the first sentence."]
    assert first.words[0].text == "This "
    steps.close()
    assert len(backend.spoken) == 1


def test_all_of_the_text_is_spoken_in_order(backend: FakeBackend, engine: KokoroEngine) -> None:
    chunks = list(engine.steps(TWO))
    assert len(chunks) > 1
    assert " ".join(phonemes for phonemes, _, _ in backend.spoken) == TWO.lower()
    assert "".join(word.text for chunk in chunks for word in chunk.words) == TWO


def test_the_models_silence_goes_and_the_pause_of_the_punctuation_comes(
    engine: KokoroEngine,
) -> None:
    (chunk,) = engine.steps("Short.")
    samples = samples_of(chunk)
    kept, pause = SAMPLE_RATE_HZ * 20 // 1000, SAMPLE_RATE_HZ * 250 // 1000
    assert len(samples) == 2 * kept + 6 * PHONEME_SAMPLES + pause
    assert np.all(samples[kept : kept + 6 * PHONEME_SAMPLES] == int(0.2 * 32767))


@pytest.mark.parametrize("tells_edges", [True, False])
def test_words_are_timed_from_the_first_sample_of_the_text(tells_edges: bool) -> None:
    engine = KokoroEngine(FakeBackend(tells_edges=tells_edges))
    sent_s = 0.0
    last_s = 0.0
    for chunk in engine.steps(TWO):
        assert sent_s <= chunk.words[0].start_s <= sent_s + 0.03
        for word in chunk.words:
            assert last_s <= word.start_s < word.end_s
            last_s = word.end_s
        sent_s += duration_s(chunk.pcm, SAMPLE_RATE_HZ)
        assert last_s <= sent_s
    assert sent_s > 3


def test_the_models_durations_are_kept_to_the_sample(engine: KokoroEngine) -> None:
    (chunk,) = engine.steps("Be my guest.")
    kept_s = 0.02
    times = [(word.text, word.start_s - kept_s, word.end_s - kept_s) for word in chunk.words]
    assert times == [
        ("Be ", pytest.approx(0.0), pytest.approx(0.1)),
        ("my ", pytest.approx(0.15), pytest.approx(0.25)),
        ("guest.", pytest.approx(0.3), pytest.approx(0.6)),
    ]


def test_numbers_and_signs_are_read_out(backend: FakeBackend, engine: KokoroEngine) -> None:
    (chunk,) = engine.steps("It costs $5.")
    assert backend.asked == [("It costs five dollars.", "en-us")]
    assert [word.text for word in chunk.words] == ["It ", "costs ", "$5."]


def test_other_languages_are_left_to_their_phonemiser(
    backend: FakeBackend, engine: KokoroEngine
) -> None:
    list(engine.steps("Ça fait 5 €.", Voicing(language="fr")))
    assert backend.asked == [("Ça fait 5 €.", "fr-fr")]
    assert backend.spoken[0][1] == "ff_siwis"


@pytest.mark.parametrize("text", ["", "   ", "…", "\U0001f600", "— !?", "***", "\n\n"])
def test_what_cannot_be_pronounced_is_nothing(
    text: str, backend: FakeBackend, engine: KokoroEngine
) -> None:
    assert list(engine.steps(text)) == []
    assert not backend.spoken


def test_an_emoji_in_a_sentence_is_not_spoken(backend: FakeBackend, engine: KokoroEngine) -> None:
    (chunk,) = engine.steps("Fine \U0001f600 thanks.")
    assert backend.spoken[0][0] == "fine thanks."
    assert "".join(word.text for word in chunk.words) == "Fine \U0001f600 thanks."


def test_a_text_longer_than_the_model_takes_loses_no_word(
    backend: FakeBackend, engine: KokoroEngine
) -> None:
    words = " and ".join(str(number) for number in range(654_321, 654_421)).split()
    chunks = list(engine.steps(" ".join(words)))
    assert max(len(phonemes) for phonemes, _, _ in backend.spoken) <= MAX_PHONEMES
    heard = " ".join(phonemes for phonemes, _, _ in backend.spoken)
    assert heard.count("fifty-four thousand") == 100
    assert [word.text.strip() for chunk in chunks for word in chunk.words] == words


def test_a_word_without_end_is_cut(backend: FakeBackend, engine: KokoroEngine) -> None:
    chunks = list(engine.steps("x" * 3000))
    assert sum(len(phonemes) for phonemes, _, _ in backend.spoken) == 3000
    assert max(len(phonemes) for phonemes, _, _ in backend.spoken) <= MAX_PHONEMES
    assert len(chunks) == len(backend.spoken)


def test_a_text_of_100_kb_is_refused_at_once(backend: FakeBackend, engine: KokoroEngine) -> None:
    with pytest.raises(EngineError, match=r"100000 characters is more .* \(20000\): give it in"):
        next(engine.steps("a" * 100_000))
    assert not backend.asked
    assert list(engine.steps("word " * (MAX_TEXT_CHARS // 5)))


def test_speed_and_voice_reach_the_model(backend: FakeBackend) -> None:
    engine = KokoroEngine(backend, KokoroOptions(voice="am_adam", speed=1.5))
    list(engine.steps("One."))
    list(engine.steps("Two.", Voicing(voice="bf_emma", speed=0.5)))
    assert backend.spoken == [("one.", "am_adam", 1.5), ("two.", "bf_emma", 0.75)]
    assert [language for _, language in backend.asked] == ["en-us", "en-gb"]


def test_an_unknown_voice_is_an_error_before_anything_is_made(
    backend: FakeBackend, engine: KokoroEngine
) -> None:
    with pytest.raises(EngineError, match="no voice 'af_hart'; it has af_heart"):
        next(engine.steps("Hello.", Voicing(voice="af_hart")))
    assert not backend.spoken


def test_a_model_that_gives_no_numbers_is_an_error() -> None:
    engine = KokoroEngine(FakeBackend(amplitude=float("nan")))
    with pytest.raises(EngineError, match="NaN"):
        next(engine.steps("Hello."))


def test_a_model_that_stays_silent_gives_nothing() -> None:
    assert list(KokoroEngine(FakeBackend(amplitude=0.0)).steps("Hello.")) == []


def test_too_loud_a_sound_is_limited() -> None:
    (chunk,) = KokoroEngine(FakeBackend(amplitude=1.7)).steps("Hello.")
    assert samples_of(chunk).max() == 32767


def test_loading_speaks_a_word_so_that_the_first_text_is_fast(
    backend: FakeBackend, engine: KokoroEngine
) -> None:
    engine.load()
    assert backend.is_loaded
    assert len(backend.spoken) == 1


def test_a_closed_engine_speaks_no_further(backend: FakeBackend, engine: KokoroEngine) -> None:
    steps = engine.steps(TWO)
    next(steps)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        next(steps)
    assert len(backend.spoken) == 1


@pytest.mark.parametrize(
    "options", [{"speed": 0.4}, {"speed": 2.1}, {"first_chars": 0}, {"max_chars": 10}]
)
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(EngineError, match="kokoro's"):
        KokoroOptions(**options)  # type: ignore[arg-type]
