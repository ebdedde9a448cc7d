"""The real faster-whisper on generated models: nonsense, but decoded as any other Whisper's."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from livekit.plugins.faster_whisper import STT, FasterWhisperEngine
from livekit.plugins.faster_whisper.engine import load_decoder
from livekit.plugins.faster_whisper.languages import LANGUAGES
from livekit.plugins.speechcore import EngineBusy, EngineError, Transcript
from livekit.plugins.speechio import InProcessRecogniser

from tests.contract.stt_checks import Conversation, EventType
from tests.fakes.audio import BED_DBFS, noise, speech_like
from tests.fakes.heartbeat import Heartbeat
from tests.fakes.tone_words import parts
from tests.models.random_whisper import random_whisper, scripted_whisper
from tests.models.whisper_parts import RATE_HZ, SENTENCE, made_speech, options


@pytest.fixture(scope="module")
def nonsense() -> FasterWhisperEngine:
    """Says other nonsense for other sounds, four tokens a second."""
    return FasterWhisperEngine(options(random_whisper(), tokens_per_s=4.0))


@pytest.fixture(scope="module")
def scripted() -> Iterator[FasterWhisperEngine]:
    engine = FasterWhisperEngine(options(scripted_whisper(SENTENCE)))
    yield engine
    engine.close()


def hear(engine: FasterWhisperEngine, pcm: bytes) -> tuple[list[Transcript], Transcript]:
    session = engine.open()
    try:
        return [session.accept(part) for part in parts(pcm)], session.finish()
    finally:
        session.close()


def test_interims_lead_to_an_early_transcript_that_is_the_final_one(
    nonsense: FasterWhisperEngine,
) -> None:
    heard, final = hear(nonsense, made_speech(4.0, (0.5, 1.9), (2.0, 3.2)))
    interims = {transcript.text for transcript in heard if not transcript.is_settled}
    assert len(interims - {""}) >= 2
    assert heard[-1].is_settled
    assert heard[-1] == final
    assert final.text


def test_the_same_sound_gives_the_same_words_in_every_session(
    nonsense: FasterWhisperEngine,
) -> None:
    pcm = made_speech(2.5, (0.5, 1.9))
    assert hear(nonsense, pcm)[1] == hear(nonsense, pcm)[1]


def test_words_have_times_within_the_speech(scripted: FasterWhisperEngine) -> None:
    _, final = hear(scripted, made_speech(5.0, (2.0, 3.6)))
    assert final.text == SENTENCE
    assert [word.text for word in final.words] == SENTENCE.split()
    starts_s = [word.start_s for word in final.words]
    assert starts_s == pytest.approx([2.0, 2.3, 2.5, 2.7, 2.9], abs=0.12)
    assert final.confidence > 0.9


def test_a_language_is_detected_when_none_is_set() -> None:
    engine = FasterWhisperEngine(options(scripted_whisper(SENTENCE), language=None))
    _, final = hear(engine, made_speech(3.0, (0.5, 2.5)))
    assert final.language == "en"
    assert final.text == SENTENCE


def test_a_model_of_english_only_says_so() -> None:
    engine = FasterWhisperEngine(options(scripted_whisper(SENTENCE, english_only=True)))
    _, final = hear(engine, made_speech(2.0, (0.5, 1.5)))
    assert final.text == SENTENCE
    with pytest.raises(EngineError, match="multilingual"):
        engine.open(language="de")
    german = options(scripted_whisper(SENTENCE, english_only=True), language="de")
    with pytest.raises(EngineError, match="multilingual"):
        FasterWhisperEngine(german).load()


def test_a_language_this_very_model_lacks_is_refused(nonsense: FasterWhisperEngine) -> None:
    with pytest.raises(EngineError, match="'yue'"):
        nonsense.open(language="yue")


async def test_a_stream_tells_the_language_it_detected() -> None:
    detecting = options(scripted_whisper(SENTENCE), language=None)
    async with STT(options=detecting) as engine, Conversation(engine) as conversation:
        await conversation.hear(speech_like(2.0, ((0.3, 1.5),), 24_000))
        final = await conversation.flush()
        await conversation.end()
    assert final.alternatives[0].text == SENTENCE
    assert final.alternatives[0].language == "en"


def test_importing_the_plugin_loads_no_library() -> None:
    code = (
        "import sys, livekit.plugins.faster_whisper;"
        "print({'faster_whisper', 'ctranslate2', 'tokenizers'} & set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=15
    )
    assert ran.stdout.strip() == "set()"


def test_our_languages_are_faster_whispers() -> None:
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    assert set(_LANGUAGE_CODES) == LANGUAGES


@pytest.mark.parametrize("level_dbfs", [float("-inf"), BED_DBFS])
def test_silence_gives_an_empty_final(scripted: FasterWhisperEngine, level_dbfs: float) -> None:
    heard, final = hear(scripted, noise(3.0, level_dbfs, RATE_HZ))
    assert not final.text
    assert not any(transcript.text for transcript in heard)


def test_a_click_gives_an_empty_final(scripted: FasterWhisperEngine) -> None:
    _, final = hear(scripted, made_speech(2.0, (1.0, 1.07)))
    assert not final.text


def test_what_the_model_invents_for_a_click_is_not_believed() -> None:
    engine = FasterWhisperEngine(options(scripted_whisper("thanks for watching")))
    _, click = hear(engine, made_speech(2.0, (1.0, 1.14)))
    assert not click.text
    _, said = hear(engine, made_speech(3.0, (1.0, 2.2)))
    assert said.text == "thanks for watching"


def test_callers_of_whom_some_pause_are_decoded_together_as_each_alone(
    scripted: FasterWhisperEngine,
) -> None:
    sounds = [made_speech(2.0, (0.2, 2.0)), made_speech(3.0, (0.2, 1.2)), made_speech(0.3)]
    sounds.append(sounds[0])
    alone, together = ([scripted.open() for _ in sounds] for _ in range(2))
    for sessions in (alone, together):
        for session, pcm in zip(sessions, sounds, strict=True):
            session.feed(pcm)
    heard = scripted.decode_batch(together)
    assert [each.text for each in heard] == [session.decode().text for session in alone]
    assert [bool(each.text) for each in heard] == [True, True, False, True]
    assert [each.is_settled for each in heard] == [False, True, False, False]
    for session in [*alone, *together]:
        session.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_sessions_in_several_threads_do_not_disturb_each_other(workers: int) -> None:
    engine = FasterWhisperEngine(options(random_whisper(), tokens_per_s=4.0, workers=workers))
    sounds = [made_speech(2.5, (0.5, 1.0 + n * 0.3)) for n in range(4)]
    alone = [hear(engine, pcm)[1] for pcm in sounds]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda pcm: hear(engine, pcm)[1], sounds))
    assert together == alone
    assert len({transcript.text for transcript in alone}) > 1


def test_a_full_engine_says_so_and_has_room_again_after_a_close() -> None:
    engine = FasterWhisperEngine(options(random_whisper(), max_sessions=2))
    first, second = engine.open(), engine.open()
    with pytest.raises(EngineBusy, match="all 2"):
        engine.open()
    first.close()
    engine.open().close()
    second.close()


@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_model_file_is_named(tmp_path: Path, keep: float) -> None:
    folder = shutil.copytree(random_whisper(), tmp_path / "model")
    file = folder / "model.bin"
    file.write_bytes(file.read_bytes()[: round(file.stat().st_size * keep)])
    with pytest.raises(EngineError, match="parley download"):
        load_decoder(options(folder))


@pytest.mark.parametrize("name", ["model.bin", "tokenizer.json", "vocabulary.json"])
def test_a_foreign_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(random_whisper(), tmp_path / "model")
    (folder / name).write_bytes(b"<html>404 not found</html>" * 1000)
    with pytest.raises(EngineError, match="parley download"):
        load_decoder(options(folder))


def test_features_of_another_size_are_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(random_whisper(), tmp_path / "model")
    (folder / "preprocessor_config.json").write_text('{"feature_size": 128}')
    with pytest.raises(EngineError, match="80 mel bands"):
        load_decoder(options(folder))


def test_a_precision_this_machine_lacks_is_refused() -> None:
    with pytest.raises(EngineError, match="choose one of"):
        load_decoder(options(random_whisper(), compute_type="int8_float64"))


def _open_in_child(engine: FasterWhisperEngine, answer: object) -> None:
    try:
        engine.open()
    except EngineError as e:
        answer.put(str(e))  # type: ignore[attr-defined]


@pytest.mark.skipif(sys.platform != "linux", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_model_loaded_before_a_fork_says_so_instead_of_hanging(
    nonsense: FasterWhisperEngine,
) -> None:
    nonsense.load()
    fork = multiprocessing.get_context("fork")
    answer = fork.SimpleQueue()
    child = fork.Process(target=_open_in_child, args=(nonsense, answer))
    child.start()
    child.join(10)
    assert child.exitcode == 0
    assert "forked" in answer.get()


async def test_two_streams_at_once_and_one_that_is_cut_off(
    scripted: FasterWhisperEngine,
) -> None:
    pcm = speech_like(4.0, ((0.3, 1.9), (2.0, 3.5)), 24_000)
    handle = InProcessRecogniser(scripted, name="whisper")
    async with STT(engine=handle) as engine:
        async with Conversation(engine) as one, Conversation(engine) as other:
            third = Conversation(engine)
            async with third:
                await third.hear(pcm[: len(pcm) // 2])
            await asyncio.gather(one.hear(pcm), other.hear(pcm))
            await asyncio.gather(one.end(), other.end())
        for conversation in (one, other):
            assert conversation.of(EventType.INTERIM_TRANSCRIPT)
        # What random weights say may differ with the pace of the interims; a script does not.
        assert one.final_texts == other.final_texts == [SENTENCE]


async def test_the_event_loop_is_never_kept(nonsense: FasterWhisperEngine) -> None:
    pcm = speech_like(8.0, ((0.3, 3.5), (4.0, 7.5)), 24_000)
    nonsense.load()
    async with STT(engine=InProcessRecogniser(nonsense, name="whisper")) as engine:
        async with Conversation(engine) as conversation, Heartbeat() as heartbeat:
            await conversation.hear(pcm)
            await conversation.end()
    assert conversation.final_texts
    assert heartbeat.longest_block_s < 0.05
