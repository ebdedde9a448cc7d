import subprocess
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import espeakng_loader
import numpy as np
import pytest
from livekit.plugins.espeak import Espeak, EspeakOptions, library, voices
from livekit.plugins.espeak.level import speech_level_dbfs
from livekit.plugins.speechcore import EngineBusy, EngineError

SENTENCE = "The quick brown fox jumps over the lazy dog, and it is a quarter past seven."
LONG = "This sentence is one of very many that follow each other. " * 60


def speak(engine: Espeak, text: str) -> bytes:
    return b"".join(chunk.pcm for chunk in engine.steps(text))


def samples_of(pcm: bytes) -> np.ndarray:
    return np.frombuffer(pcm, dtype=np.int16).astype(np.int32)


def reading_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "espeak-reading"]


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )


@pytest.fixture(scope="module")
def engine() -> Espeak:
    return Espeak()


@pytest.mark.parametrize("voice", ["en-us", "en", "en-gb", "de", "fr", "zh", "en-us+f3", "EN_us"])
def test_every_voice_speaks_at_the_same_level_without_clipping(voice: str) -> None:
    engine = Espeak(EspeakOptions(voice=voice))
    pcm = speak(engine, SENTENCE)
    assert speech_level_dbfs(pcm, engine.sample_rate_hz) == pytest.approx(-20, abs=2)
    assert np.abs(samples_of(pcm)).max() < 32767


def test_an_unknown_voice_is_refused_with_voices_that_exist() -> None:
    with pytest.raises(EngineError, match=r"no voice 'klingonese'.*en-gb"):
        Espeak(EspeakOptions(voice="klingonese"))
    with pytest.raises(EngineError, match=r"no voice variant 'nobody'.*f2"):
        Espeak(EspeakOptions(voice="en-us+nobody"))
    with pytest.raises(EngineError, match="no voice ''"):
        Espeak(EspeakOptions(voice=""))


def test_a_voice_whose_dictionary_is_missing_is_refused() -> None:
    with pytest.raises(EngineError, match="mute"):
        Espeak(EspeakOptions(voice="fo"))


@pytest.mark.parametrize("values", [{"rate_wpm": 10}, {"pitch": 100}, {"volume": 0.0}])
def test_options_out_of_range_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(EngineError, match=next(iter(values))):
        EspeakOptions(**values)  # type: ignore[arg-type]


def test_the_voices_can_be_listed() -> None:
    assert {"en-us", "en-gb", "de"} <= set(voices())


def test_audio_comes_in_small_pieces_and_begins_with_sound(engine: Espeak) -> None:
    pieces = [chunk.pcm for chunk in engine.steps(SENTENCE)]
    assert len(pieces) > 20
    assert max(len(piece) for piece in pieces[:5]) <= engine.sample_rate_hz * 2 * 0.13
    onset = int(np.flatnonzero(np.abs(samples_of(b"".join(pieces))) > 104)[0])
    assert onset <= engine.sample_rate_hz * 0.011


def test_the_pause_after_a_sentence_is_kept_but_short(engine: Espeak) -> None:
    pcm = samples_of(speak(engine, "Hello."))
    after = len(pcm) - int(np.flatnonzero(np.abs(pcm) > 104)[-1]) - 1
    assert after == pytest.approx(engine.sample_rate_hz * 0.2, rel=0.05)


def test_the_pause_between_sentences_is_kept(engine: Espeak) -> None:
    loud = np.flatnonzero(np.abs(samples_of(speak(engine, "Hello. World."))) > 104)
    assert np.diff(loud).max() > engine.sample_rate_hz * 0.25


def test_there_is_no_click_at_the_borders_of_pieces(engine: Espeak) -> None:
    pieces = [samples_of(chunk.pcm) for chunk in engine.steps(SENTENCE)]
    inside = np.abs(np.diff(np.concatenate(pieces))).max()
    borders = [abs(int(b[0]) - int(a[-1])) for a, b in zip(pieces, pieces[1:], strict=False)]
    assert max(borders) <= inside
    assert np.percentile(borders, 90) < 4000


@pytest.mark.parametrize("text", ["", "  \n ", "…", "\U0001f600", "\x01\x02"])
def test_text_without_words_gives_no_audio(engine: Espeak, text: str) -> None:
    assert speak(engine, text) == b""


def test_markup_is_read_out_not_obeyed(engine: Espeak) -> None:
    plain, marked = speak(engine, "hello"), speak(engine, "<emphasis>hello</emphasis>")
    assert len(marked) > 2 * len(plain)


def test_control_characters_do_not_change_the_voice(engine: Espeak) -> None:
    before = len(speak(engine, "hello my friend"))
    assert len(speak(engine, "\x01400S hello my friend")) > before
    assert len(speak(engine, "hello my friend")) == pytest.approx(before, rel=0.02)


def test_the_rate_changes_the_length() -> None:
    slow = speak(Espeak(EspeakOptions(rate_wpm=120)), SENTENCE)
    fast = speak(Espeak(EspeakOptions(rate_wpm=240)), SENTENCE)
    assert len(slow) > 1.6 * len(fast)


def test_the_volume_changes_the_level() -> None:
    engine = Espeak(EspeakOptions(volume=0.5))
    level = speech_level_dbfs(speak(engine, SENTENCE), engine.sample_rate_hz)
    assert level == pytest.approx(-26, abs=2)


def test_a_text_longer_than_a_unit_is_read_to_its_end(engine: Espeak) -> None:
    once = len(speak(engine, "This sentence is one of very many that follow each other."))
    assert len(speak(engine, LONG)) > 57 * once


def test_closing_the_iterator_ends_the_reading(engine: Espeak) -> None:
    steps = engine.steps(LONG)
    first = next(steps)
    steps.close()
    assert first
    assert reading_threads() == []


def test_the_library_stops_at_the_first_callback_that_says_so() -> None:
    heard: list[bytes] = []
    loaded = library.load()

    def three(pcm: bytes) -> bool:
        heard.append(pcm)
        return len(heard) < 3

    speaker = library.Speaker(loaded.find_voice("en"), 165, 50)
    loaded.speak(SENTENCE, speaker, three, busy_timeout_s=1)
    assert len(heard) == 3


def test_speech_after_a_cancelled_one_is_whole(engine: Espeak) -> None:
    whole = len(speak(engine, SENTENCE))
    steps = engine.steps(SENTENCE)
    next(steps)
    steps.close()
    assert len(speak(engine, SENTENCE)) == pytest.approx(whole, rel=0.02)


def test_a_text_waiting_for_its_reader_does_not_keep_others_from_speaking() -> None:
    first, second = Espeak(), Espeak(EspeakOptions(voice="de"))
    with closing(first.steps(LONG)) as unread:
        next(unread)
        assert len(speak(second, "Guten Morgen.")) > 10_000


def test_engines_with_different_voices_do_not_mix() -> None:
    engines = [Espeak(EspeakOptions(rate_wpm=rate)) for rate in (120, 240)]
    alone = [len(speak(engine, SENTENCE)) for engine in engines]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda engine: len(speak(engine, SENTENCE)), engines * 4))
    assert together == [pytest.approx(length, rel=0.02) for length in alone * 4]


def test_a_call_waits_for_the_library_only_as_long_as_it_may() -> None:
    loaded, entered, leave = library.load(), threading.Event(), threading.Event()
    speaker = library.Speaker(loaded.find_voice("en"), 165, 50)

    def hold(pcm: bytes) -> bool:
        entered.set()
        return not leave.wait(10)

    engine = Espeak(EspeakOptions(busy_timeout_s=0.05))
    holder = threading.Thread(
        target=loaded.speak, args=("hello", speaker, hold), kwargs={"busy_timeout_s": 1}
    )
    holder.start()
    try:
        assert entered.wait(5)
        with pytest.raises(EngineBusy, match=r"0\.05 s"):
            speak(engine, "hello")
    finally:
        leave.set()
        holder.join()
    assert speak(engine, "hello")


def test_a_closed_engine_refuses_and_closes_twice() -> None:
    engine = Espeak()
    steps = engine.steps(LONG)
    next(steps)
    engine.close()
    engine.close()
    for _ in steps:
        pass
    assert reading_threads() == []
    with pytest.raises(EngineError, match="closed"):
        speak(engine, "hello")


def test_new_options_hold_for_the_next_text() -> None:
    changed = Espeak()
    before = len(speak(changed, SENTENCE))
    changed.update_options(replace(changed.options, rate_wpm=330))
    assert len(speak(changed, SENTENCE)) < 0.6 * before


def test_an_abandoned_reading_lets_the_interpreter_end() -> None:
    code = (
        "from livekit.plugins.espeak import Espeak\n"
        "steps = Espeak().steps('one sentence after the other. ' * 500)\n"
        "print(len(next(steps).pcm) > 0)\n"
    )
    done = run_python(code)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "True", "")


def test_without_the_library_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(EngineError, match=r"parley-agent\[embedded\]"):
        library.Library()


def test_a_data_path_too_long_for_the_library_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loader = types.ModuleType("espeakng_loader")
    loader.__dict__["get_library_path"] = espeakng_loader.get_library_path
    loader.__dict__["get_data_path"] = lambda: str(tmp_path / ("d" * 160))
    monkeypatch.setitem(sys.modules, "espeakng_loader", loader)
    with pytest.raises(EngineError, match="longer than 159 bytes"):
        library.Library()


def test_an_empty_data_folder_is_one_clear_sentence(tmp_path: Path) -> None:
    code = (
        "import espeakng_loader\n"
        f"espeakng_loader.get_data_path = lambda: {str(tmp_path)!r}\n"
        "from livekit.plugins.espeak import Espeak\n"
        "try:\n"
        "    Espeak()\n"
        "except Exception as e:\n"
        "    print(type(e).__name__, e)\n"
    )
    assert "EngineError espeak-ng finds no usable data" in run_python(code).stdout
