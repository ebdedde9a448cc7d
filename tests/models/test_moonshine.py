"""The real moonshine-voice library, with a model of its format that the test makes.

It has the real files of the `tiny` architecture, and the library's own code loads, runs and frees
them; how well a real model understands is not measured here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from livekit.plugins.moonshine import STT, MoonshineEngine
from livekit.plugins.speechcore import EngineBusy, EngineError, RecogniserSession, Transcript

from tests.fakes.audio import BED_DBFS, noise
from tests.models.tiny_moonshine import WORD_S, WORDS, tiny_moonshine
from tests.stack.speech import resample, speech

RATE_HZ = 16_000
STEP_BYTES = 2 * RATE_HZ // 25


def spoken(text: str, voice: str = "slt") -> bytes:
    pcm: bytes = resample(speech(text, voice), 48_000, RATE_HZ).tobytes()
    return noise(0.5, BED_DBFS, RATE_HZ) + pcm + noise(0.4, BED_DBFS, RATE_HZ)


HELLO = spoken("what time is it now")
LONGER = spoken("can you help me with my account and tell me about the weather of today", "rms")


def steps(pcm: bytes) -> list[bytes]:
    return [pcm[start : start + STEP_BYTES] for start in range(0, len(pcm), STEP_BYTES)]


def hear(session: RecogniserSession, pcm: bytes) -> list[Transcript]:
    return [session.accept(step) for step in steps(pcm)]


@pytest.fixture(scope="module")
def folder() -> Path:
    return tiny_moonshine()


@pytest.fixture
def engine(folder: Path) -> MoonshineEngine:
    return MoonshineEngine(folder, model="tiny", max_sessions=2)


def test_it_counts_what_is_said_in_steps_and_settles_at_the_end(engine: MoonshineEngine) -> None:
    session = engine.open(language="en-US")
    heard = hear(session, HELLO)
    final = session.finish()
    session.close()
    engine.close()
    texts = list(dict.fromkeys(transcript.text for transcript in heard if transcript.text))
    assert len(texts) >= 2, "no interims"
    assert all(
        longer.startswith(shorter) for shorter, longer in zip(texts, texts[1:], strict=False)
    )
    assert heard[-1].is_settled
    assert final.text == heard[-1].text
    counted = final.text.split()
    assert counted == list(WORDS[: len(counted)])
    seconds = len(HELLO) / 2 / RATE_HZ - 0.9
    assert 0.4 * seconds / WORD_S < len(counted) <= seconds / WORD_S + 1


def test_longer_speech_gives_more(engine: MoonshineEngine) -> None:
    session = engine.open()
    hear(session, HELLO)
    short = session.finish()
    hear(session, LONGER)
    long = session.finish()
    session.close()
    engine.close()
    assert len(long.text.split()) > 2 * len(short.text.split())
    assert long.text.split()[0] == "one", "the second segment begins anew"
    assert long.words[0].start_s > len(HELLO) / 2 / RATE_HZ


def test_silence_and_noise_have_no_words(engine: MoonshineEngine) -> None:
    session = engine.open()
    for level_dbfs in (float("-inf"), BED_DBFS, -30.0):
        assert not any(t.text for t in hear(session, noise(3.0, level_dbfs, RATE_HZ)))
        assert session.finish().text == ""
    session.close()
    engine.close()


def test_two_callers_at_once_do_not_disturb_each_other(engine: MoonshineEngine) -> None:
    alone = []
    for pcm in (HELLO, LONGER):
        session = engine.open()
        hear(session, pcm)
        alone.append(session.finish().text)
        session.close()
    first, second = engine.open(), engine.open()
    for one, other in zip(steps(HELLO), steps(LONGER), strict=False):
        first.accept(one)
        second.accept(other)
    hear(second, LONGER[len(steps(HELLO)) * STEP_BYTES :])
    together = [first.finish().text, second.finish().text]
    first.close()
    second.close()
    engine.close()
    assert together == alone


def test_a_session_too_many_is_busy_and_a_closed_one_makes_room(engine: MoonshineEngine) -> None:
    first, _second = engine.open(), engine.open()
    with pytest.raises(EngineBusy, match="all 2 moonshine transcribers"):
        engine.open()
    first.close()
    engine.open()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.open()


def test_other_languages_are_refused(engine: MoonshineEngine) -> None:
    with pytest.raises(EngineError, match="knows 'en' only, not 'de'"):
        engine.open(language="de")
    with pytest.raises(EngineError, match="knows 'en' only"):
        STT(engine, language="fr")


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("decoder_model_merged.ort", lambda whole: whole[: len(whole) // 2]),
        ("encoder_model.ort", lambda whole: b"no model at all" * 100),
        ("encoder_model.ort", lambda whole: b""),
        ("tokenizer.bin", lambda whole: b"\x7fabc"),
    ],
    ids=["truncated", "foreign", "empty", "no tokenizer"],
)
def test_a_broken_file_is_one_sentence_with_the_command(
    tmp_path: Path, folder: Path, file: str, change: Callable[[bytes], bytes]
) -> None:
    for whole in folder.iterdir():
        content = whole.read_bytes()
        (tmp_path / whole.name).write_bytes(change(content) if whole.name == file else content)
    engine = MoonshineEngine(tmp_path, model="tiny", max_sessions=1)
    with pytest.raises(EngineError, match="cannot load.*: run `parley download moonshine:tiny`$"):
        engine.load()
    for _ in range(2):  # the one place is not lost
        with pytest.raises(EngineError, match="cannot load"):
            engine.open()


def test_a_missing_file_is_one_sentence_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"encoder_model.ort is missing: run `parley download"):
        MoonshineEngine(tmp_path)


def test_another_architecture_than_the_name_says_is_one_sentence(folder: Path) -> None:
    engine = MoonshineEngine(folder, model="base")
    session = engine.open()
    with pytest.raises(EngineError, match="is the model the one it is called"):
        hear(session, HELLO)
    session.close()
    engine.close()


def test_a_missing_library_is_one_sentence_with_the_extra(
    engine: MoonshineEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "moonshine_voice.transcriber", None)
    with pytest.raises(EngineError, match="install the 'moonshine' extra"):
        engine.open()
