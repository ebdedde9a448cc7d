"""kokoro-onnx and espeak-ng themselves, on a model of the same interface that hums."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import numpy as np
import pytest
import pytest_asyncio
from kokoro_onnx.config import DEFAULT_VOCAB
from livekit.agents import APIConnectOptions
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT
from livekit.plugins import espeak, kokoro
from livekit.plugins.kokoro.backend import MAX_PHONEMES, SAMPLE_RATE_HZ, Sound
from livekit.plugins.speechcore import SpeechChunk, Voicing, Word
from livekit.plugins.speechio import InProcessSynthesiser

from tests.fakes.eventually import eventually
from tests.fakes.heartbeat import Heartbeat
from tests.models.hum_kokoro import FRAME_SAMPLES, VOICES, Durations, hum_kokoro

ONCE = APIConnectOptions(max_retry=0, timeout=10.0)
REPLY = (
    "It is a quarter past seven. The library opens at nine, and it closes at five in the afternoon,"
    " as the opening hours of the city council say, but on Saturdays it is open until noon only."
)


class CountingBackend(kokoro.OnnxBackend):
    """Remembers what the model was given."""

    def __init__(self, options: kokoro.OnnxOptions) -> None:
        super().__init__(options)
        self.made: list[str] = []

    def speak(self, phonemes: str, voice: str, speed: float) -> Sound:
        self.made.append(phonemes)
        return super().speak(phonemes, voice, speed)


@pytest.fixture(scope="module")
def backend() -> CountingBackend:
    backend = CountingBackend(hum_kokoro())
    backend.load()
    return backend


@pytest.fixture
def engine(backend: CountingBackend) -> kokoro.KokoroEngine:
    backend.made.clear()
    return kokoro.KokoroEngine(backend)


@pytest_asyncio.fixture
async def tts(backend: CountingBackend) -> AsyncIterator[kokoro.TTS]:
    backend.made.clear()
    async with kokoro.TTS(backend) as tts:
        yield tts


def samples_of(chunks: Sequence[SpeechChunk]) -> np.ndarray:
    return np.frombuffer(b"".join(chunk.pcm for chunk in chunks), dtype=np.int16).astype(float)


def tone_hz(samples: np.ndarray) -> float:
    loudest = int(np.argmax(np.abs(np.fft.rfft(samples))))
    return loudest * SAMPLE_RATE_HZ / len(samples)


def words_of(chunks: Sequence[SpeechChunk]) -> list[Word]:
    return [word for chunk in chunks for word in chunk.words]


def assert_in_order(words: Sequence[Word], end_s: float) -> None:
    now_s = 0.0
    for word in words:
        assert now_s <= word.start_s < word.end_s, word
        now_s = word.end_s
    assert now_s <= end_s


@pytest.mark.parametrize("voice", VOICES)
def test_each_voice_has_its_own_sound(engine: kokoro.KokoroEngine, voice: str) -> None:
    samples = samples_of(list(engine.steps("Hello there.", Voicing(voice=voice))))
    assert tone_hz(samples) == pytest.approx(VOICES[voice], abs=3)
    assert 20 * np.log10(np.abs(samples).max() / 32767) == pytest.approx(-14, abs=0.1)


def test_the_voices_are_those_of_the_file(backend: CountingBackend) -> None:
    assert backend.voices == sorted(VOICES)


def test_speed_changes_the_length_and_words_keep_their_place(engine: kokoro.KokoroEngine) -> None:
    lengths = []
    for speed in (0.5, 1, 2):
        chunks = list(engine.steps(REPLY, Voicing(speed=speed)))
        lengths.append(len(samples_of(chunks)))
        words, end_s = words_of(chunks), lengths[-1] / SAMPLE_RATE_HZ
        assert_in_order(words, end_s)
        assert "".join(word.text for word in words) == REPLY
        assert words[-1].end_s > 0.8 * end_s, "and the pause behind it"
    assert lengths[0] > 1.6 * lengths[1]
    assert lengths[1] > 1.6 * lengths[2]


def test_the_first_clause_is_there_before_the_next_is_made(
    backend: CountingBackend, engine: kokoro.KokoroEngine
) -> None:
    steps = engine.steps(REPLY)
    first = next(steps)
    assert len(backend.made) == 1
    rest = list(steps)
    assert len(backend.made) == 1 + len(rest) > 2
    assert len(first.pcm) < sum(len(chunk.pcm) for chunk in rest) / 2


async def test_an_interruption_leaves_the_next_clause_unmade(
    backend: CountingBackend, engine: kokoro.KokoroEngine
) -> None:
    handle = InProcessSynthesiser(engine, name="kokoro")
    try:
        async with aclosing(handle.speak(REPLY, timeout_s=10.0)) as speech:
            await anext(speech)
        await asyncio.sleep(0.2)
        assert len(backend.made) == 1
        async with aclosing(handle.speak("Next.", timeout_s=10.0)) as speech:
            assert [chunk async for chunk in speech]
    finally:
        handle.close()


async def test_the_event_loop_is_free_all_the_while(tts: kokoro.TTS) -> None:
    async with Heartbeat() as heartbeat:
        async with tts.synthesize(REPLY * 5, conn_options=ONCE) as stream:
            heard_s = sum([event.frame.duration async for event in stream])
    assert heard_s > 20
    assert heartbeat.longest_block_s < 0.05


def test_no_silence_stands_before_the_speech(engine: kokoro.KokoroEngine) -> None:
    (chunk,) = engine.steps("Hello.")
    loud = np.flatnonzero(np.abs(samples_of([chunk])) > 104)
    assert loud[0] / SAMPLE_RATE_HZ <= 0.025
    after_s = (len(chunk.pcm) // 2 - loud[-1]) / SAMPLE_RATE_HZ
    assert 0.25 <= after_s <= 0.28


@pytest.mark.parametrize("durations", ["rounded", "raw", "none"])
def test_words_follow_each_other_through_the_whole_text(durations: Durations) -> None:
    engine = kokoro.KokoroEngine(kokoro.OnnxBackend(hum_kokoro(durations)))
    chunks = list(engine.steps(REPLY))
    words = words_of(chunks)
    assert "".join(word.text for word in words) == REPLY
    assert_in_order(words, len(samples_of(chunks)) / SAMPLE_RATE_HZ)


def test_words_have_the_times_that_the_model_gave_them(
    backend: CountingBackend, engine: kokoro.KokoroEngine
) -> None:
    (chunk,) = engine.steps("Hello big world.")
    (phonemes,) = backend.made
    frames = [2 + DEFAULT_VOCAB[phoneme] % 3 for phoneme in phonemes]
    ends_s = np.cumsum(frames) * FRAME_SAMPLES / SAMPLE_RATE_HZ
    first, second = (at for at, phoneme in enumerate(phonemes) if phoneme == " ")
    kept_s = 0.02
    assert [(word.start_s - kept_s, word.end_s - kept_s) for word in chunk.words] == [
        (pytest.approx(0.0, abs=1e-3), pytest.approx(ends_s[first - 1], abs=1e-3)),
        (pytest.approx(ends_s[first], abs=1e-3), pytest.approx(ends_s[second - 1], abs=1e-3)),
        (pytest.approx(ends_s[second], abs=1e-3), pytest.approx(ends_s[-1], abs=1e-3)),
    ]


def test_unrounded_durations_give_the_same_times_as_rounded_ones() -> None:
    timed = [
        words_of(list(kokoro.KokoroEngine(kokoro.OnnxBackend(hum_kokoro(each))).steps(REPLY)))
        for each in ("rounded", "raw")
    ]
    assert timed[0] == timed[1]


def test_without_durations_times_come_close_by_the_number_of_phonemes() -> None:
    told, shared = (
        words_of(list(kokoro.KokoroEngine(kokoro.OnnxBackend(hum_kokoro(each))).steps(REPLY)))
        for each in ("rounded", "none")
    )
    off_s = [abs(a.start_s - b.start_s) for a, b in zip(told, shared, strict=True)]
    assert 0.01 < max(off_s) < 0.5


@pytest.mark.parametrize("text", ["…", "\U0001f600", "", "  ", "— !", "(…)"])
def test_what_cannot_be_pronounced_makes_no_sound(
    backend: CountingBackend, engine: kokoro.KokoroEngine, text: str
) -> None:
    assert list(engine.steps(text)) == []
    assert not backend.made


def test_a_text_of_many_phonemes_loses_no_word(
    backend: CountingBackend, engine: kokoro.KokoroEngine
) -> None:
    numbers = [str(number) for number in range(1_234_567, 1_234_567 + 60)]
    words = words_of(list(engine.steps(" ".join(numbers))))
    assert [word.text.strip() for word in words] == numbers
    assert max(len(phonemes) for phonemes in backend.made) <= MAX_PHONEMES
    assert sum(phonemes.count("mˈɪliən") for phonemes in backend.made) == 60


@pytest.mark.parametrize(
    ("voicing", "text", "phonemes"),
    [
        (Voicing(), "A tomato.", "tə"),
        (Voicing(language="en-gb"), "A tomato.", "ɑː"),
        (Voicing(language="fr"), "J'aime le football.", "fˈʊtbɔːl"),
    ],
)
def test_each_language_is_read_by_its_own_rules(
    backend: CountingBackend,
    engine: kokoro.KokoroEngine,
    voicing: Voicing,
    text: str,
    phonemes: str,
) -> None:
    list(engine.steps(text, voicing))
    assert phonemes in backend.made[0]
    assert "(" not in backend.made[0], "espeak-ng's mark of another language would be spoken"


def test_spelled_letters_have_no_full_stops_between_them(
    backend: CountingBackend, engine: kokoro.KokoroEngine
) -> None:
    list(engine.steps("It is an API."))
    assert backend.made[0].count(".") == 1


def test_many_threads_get_each_their_own_phonemes(backend: CountingBackend) -> None:
    texts = [f"This is number {number}, said quickly." for number in range(40)]
    alone = [backend.phonemes(text, "en-us") for text in texts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda text: backend.phonemes(text, "en-us"), texts))
    assert together == alone


def test_it_does_not_disturb_the_espeak_voice(engine: kokoro.KokoroEngine) -> None:
    voice = espeak.Espeak()
    try:
        alone = samples_of(list(voice.steps("Hello there.")))
        assert list(engine.steps("Bonjour.", Voicing(language="fr")))
        after = samples_of(list(voice.steps("Hello there.")))
        assert len(after) == pytest.approx(len(alone), rel=0.02)
    finally:
        voice.close()


async def test_livekit_gets_every_word_with_its_time(tts: kokoro.TTS) -> None:
    assert tts.capabilities.aligned_transcript
    timed, heard_s = [], 0.0
    async with tts.synthesize(REPLY, conn_options=ONCE) as stream:
        async for event in stream:
            timed += event.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, [])
            heard_s += event.frame.duration
    assert "".join(timed) == REPLY
    starts_s = [word.start_time for word in timed]
    assert starts_s == sorted(starts_s)
    assert timed[-1].end_time <= heard_s


async def test_a_phrase_is_made_once(backend: CountingBackend, tts: kokoro.TTS) -> None:
    await tts.prepare(["One moment, please."], timeout_s=10.0)
    assert len(backend.made) == 1
    async with tts.synthesize("One moment, please.", conn_options=ONCE) as stream:
        assert [event async for event in stream]
    assert len(backend.made) == 1
    assert (tts.cache.hits, tts.cache.misses) == (1, 1)


async def test_prewarming_loads_the_model_in_the_background() -> None:
    backend = CountingBackend(hum_kokoro())
    async with kokoro.TTS(backend) as tts:
        tts.prewarm()
        await eventually(lambda: backend.made)


async def test_an_engine_that_was_given_is_not_closed(engine: kokoro.KokoroEngine) -> None:
    handle = InProcessSynthesiser(engine, name="kokoro")
    try:
        await kokoro.TTS(engine=handle).aclose()
        async with aclosing(handle.speak("Hello.", timeout_s=10.0)) as speech:
            assert [chunk async for chunk in speech]
    finally:
        handle.close()
