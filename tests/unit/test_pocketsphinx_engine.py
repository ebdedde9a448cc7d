"""The real decoder, on flite voices: it understands, lends decoders out, and lets Python go on."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Iterator

import pytest
from livekit.plugins.pocketsphinx import PocketsphinxEngine
from livekit.plugins.pocketsphinx.engine import check_language
from livekit.plugins.pocketsphinx.native import Decoder, model_folder
from livekit.plugins.speechcore import EngineBusy, EngineError

from tests.fakes.audio import noise
from tests.fakes.heartbeat import Stopwatch
from tests.stack.speech import resample, speech

RATE_HZ = 16_000


def spoken(text: str, voice: str = "slt") -> bytes:
    """The text with some quiet around it."""
    pcm: bytes = resample(speech(text, voice), 48_000, RATE_HZ).tobytes()
    return noise(0.5, -60.0, RATE_HZ) + pcm + noise(0.4, -60.0, RATE_HZ)


@pytest.fixture(scope="module")
def engine() -> Iterator[PocketsphinxEngine]:
    engine = PocketsphinxEngine(max_sessions=1)
    engine.load()
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("voice", "text"),
    [
        ("slt", "What is the weather like today"),
        ("kal16", "Can you help me with my account"),
        ("rms", "I would like to cancel the order"),
        ("awb", "Where is the nearest train station"),
    ],
)
def test_the_first_utterance_of_a_caller_is_understood(
    engine: PocketsphinxEngine, voice: str, text: str
) -> None:
    session = engine.open()
    try:
        settled = session.accept(spoken(text.lower(), voice))
        final = session.finish()
    finally:
        session.close()
    assert final.text == settled.text
    expected, heard = text.lower().split(), final.text.lower().split()
    assert sum(word in heard for word in expected) >= len(expected) - 1, final.text
    assert 0.0 < final.confidence <= 1.0


@pytest.mark.parametrize(
    "pcm",
    [
        pytest.param(b"\0\0" * RATE_HZ * 3, id="digital silence"),
        pytest.param(noise(6.0, -40.0, RATE_HZ), id="white noise"),
        pytest.param(noise(2.0, -60.0, RATE_HZ) + noise(6.0, 6.0, RATE_HZ), id="clipping noise"),
        pytest.param(noise(1.0, -60.0, RATE_HZ) + noise(0.15, -15.0, RATE_HZ), id="burst"),
    ],
)
def test_noises_have_no_words(engine: PocketsphinxEngine, pcm: bytes) -> None:
    session = engine.open()
    try:
        session.accept(pcm + noise(0.5, -60.0, RATE_HZ))
        assert session.finish().text == ""
    finally:
        session.close()


def test_a_decoder_that_was_given_back_knows_nothing_of_the_last_caller(
    engine: PocketsphinxEngine,
) -> None:
    heard = []
    for _ in range(2):
        session = engine.open()
        session.accept(spoken("stop the timer") + spoken("no thank you")[:-8000])
        session.close()  # in mid-utterance
        session = engine.open()
        session.accept(spoken("stop the timer"))
        heard.append(session.finish())
        session.close()
    assert heard[0].text == heard[1].text
    assert heard[0].text == "Stop the timer"


def test_more_sessions_than_allowed_are_refused(engine: PocketsphinxEngine) -> None:
    session = engine.open()
    try:
        with pytest.raises(EngineBusy, match="all 1 pocketsphinx decoders are in use"):
            engine.open()
    finally:
        session.close()
    engine.open().close()


def test_loading_and_opening_at_once_make_one_decoder() -> None:
    engine = PocketsphinxEngine()
    loading = threading.Thread(target=engine.load)
    loading.start()
    session = engine.open()
    loading.join()
    session.close()
    begun_s = time.perf_counter()
    engine.open().close()
    assert time.perf_counter() - begun_s < 0.05, "the decoder was not kept"
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.open()


def test_a_loaded_engine_works_in_a_forked_process(engine: PocketsphinxEngine) -> None:
    pcm = spoken("stop the timer")
    reading, writing = os.pipe()
    with warnings.catch_warnings():  # from 3.12 on Python warns of any thread that is left
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:  # no assertion here: pytest must not go on in two processes
        session = engine.open()
        session.accept(pcm)
        os.write(writing, session.finish().text.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        assert pipe.read() == "Stop the timer"


def test_python_goes_on_while_the_library_works() -> None:
    stopwatch = Stopwatch()
    longest_s = 0.0
    is_done = threading.Event()

    def load_and_decode() -> None:
        decoder = Decoder()
        decoder.start()
        decoder.process(spoken("remember that my favorite color is blue"))
        decoder.end()
        decoder.close()
        decoder.close()
        is_done.set()

    worker = threading.Thread(target=load_and_decode)
    worker.start()
    while not is_done.is_set():
        time.sleep(0.001)
        longest_s = max(longest_s, stopwatch.lap_s())
    worker.join()
    # Loading takes 0.3 s and more, and keeps the lock all the time in the wheel's own binding.
    assert longest_s < 0.05


def test_the_model_is_inside_the_wheel() -> None:
    assert (model_folder() / "en-us.lm.bin").is_file()


@pytest.mark.parametrize("language", [None, "en", "EN-us", "en_GB", "english"])
def test_english_is_known_by_its_names(language: str | None) -> None:
    check_language(language)


@pytest.mark.parametrize("language", ["de", "fr-FR", "", "multi"])
def test_any_other_language_is_refused_in_one_sentence(
    engine: PocketsphinxEngine, language: str
) -> None:
    with pytest.raises(EngineError, match="knows English only, not"):
        engine.open(language=language)


def test_an_engine_without_sessions_is_refused() -> None:
    with pytest.raises(EngineError, match="at least 1"):
        PocketsphinxEngine(max_sessions=0)
