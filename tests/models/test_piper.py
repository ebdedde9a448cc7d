"""The real Piper, in its own process, with a voice that the test makes."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from livekit.plugins.piper import Piper
from livekit.plugins.piper.engine import VOICE_FILE, read_description
from livekit.plugins.piper.process import PiperProcess
from livekit.plugins.piper.runner import Kind, pack
from livekit.plugins.piper.text import LONGEST_CHARACTERS, split_sentences
from livekit.plugins.speechcore import EngineError, EngineTimeout, SpeechChunk, Voicing
from livekit.plugins.speechio import EngineTTS, InProcessSynthesiser

from tests.contract import common_checks, tts_checks
from tests.models.tiny_piper import PLUCK_SAMPLES, RATE_HZ, tiny_piper

SENTENCES = "Hello there. This is the second sentence. And this is the third one."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_piper(tmp_path_factory.mktemp("piper") / "tiny")


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Piper]:
    engine = Piper(folder)
    yield engine
    engine.close()


def seconds(chunks: list[SpeechChunk]) -> float:
    return sum(len(chunk.pcm) for chunk in chunks) / 2 / RATE_HZ


def has_ended(pid: int, within_s: float = 5.0) -> bool:
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{pid}/stat")
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True  # dead, and its new parent has not looked yet
        time.sleep(0.02)
    return False


def test_it_speaks_sentence_by_sentence(engine: Piper) -> None:
    chunks = list(engine.steps(SENTENCES))
    assert len(chunks) == 3
    assert engine.sample_rate_hz == RATE_HZ
    samples = np.frombuffer(chunks[0].pcm, dtype=np.int16)
    assert len(samples) % PLUCK_SAMPLES == 0
    assert 0.5 < np.abs(samples.astype(int)).max() / 32768 <= 0.61
    assert seconds([chunks[1]]) > seconds([chunks[0]])


def test_its_library_is_never_imported_into_this_process(engine: Piper) -> None:
    assert list(engine.steps("Hello."))
    assert "piper" not in sys.modules


def test_twice_the_speed_is_half_the_time(engine: Piper) -> None:
    plain = seconds(list(engine.steps(SENTENCES)))
    fast = seconds(list(engine.steps(SENTENCES, Voicing(speed=2.0))))
    assert fast == pytest.approx(plain / 2, rel=0.01)


def test_a_cancelled_text_is_not_spoken_to_its_end(engine: Piper) -> None:
    steps = engine.steps("This is one of many sentences. " * 2000)
    next(steps)
    begun_s = time.monotonic()
    steps.close()
    assert list(engine.steps("Next."))
    assert time.monotonic() - begun_s < 1.0


def test_what_cannot_be_pronounced_is_nothing(engine: Piper) -> None:
    for text in tts_checks.UNPRONOUNCEABLE:
        assert list(engine.steps(text)) == []


def test_a_hundred_kilobytes_without_a_stop_come_in_portions(engine: Piper) -> None:
    steps = engine.steps("word " * 20_000)
    first = next(steps)
    assert 0 < seconds([first]) < 60
    steps.close()


def test_killed_between_two_texts_it_is_started_again_unnoticed(engine: Piper) -> None:
    list(engine.steps("Hello."))
    before = engine.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert has_ended(before)
    assert list(engine.steps("Hello again."))
    assert engine.pid not in (None, before)


def test_killed_in_the_midst_of_a_text_it_speaks_on_unnoticed(engine: Piper) -> None:
    whole = list(engine.steps(SENTENCES))
    steps = engine.steps(SENTENCES)
    heard = [next(steps)]
    before = engine.pid
    assert before is not None
    os.kill(before, signal.SIGSTOP)  # it will not have answered when it dies
    killing = subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -9 {before}"])
    heard += steps
    killing.wait()
    assert [len(chunk.pcm) for chunk in heard] == [len(chunk.pcm) for chunk in whole]
    assert engine.pid != before


def test_one_that_dies_of_each_text_says_so_and_is_no_riddle() -> None:
    program = (
        "import sys\n"
        f"sys.stdout.buffer.write({pack(Kind.READY)!r})\n"
        "sys.stdout.flush()\n"
        "sys.stdin.buffer.read(1)\n"
        "sys.exit(3)\n"
    )
    process = PiperProcess([sys.executable, "-c", program], timeout_s=5.0, mend="")
    try:
        for _ in range(2):
            with pytest.raises(EngineError, match=r"has ended \(exit code 3\); the next text"):
                process.ask(b"{}")
    finally:
        process.close()


def test_one_that_hangs_is_given_up_and_started_again(folder: Path) -> None:
    engine = Piper(folder, timeout_s=0.5)
    try:
        list(engine.steps("Hello."))
        before = engine.pid
        assert before is not None
        os.kill(before, signal.SIGSTOP)
        with pytest.raises(EngineTimeout, match="in time"):
            list(engine.steps("Are you there?"))
        assert has_ended(before)
        assert list(engine.steps("Here I am again."))
    finally:
        engine.close()


def test_it_ends_with_its_voice_and_says_so_afterwards(folder: Path) -> None:
    engine = Piper(folder)
    list(engine.steps("Hello."))
    pid = engine.pid
    engine.close()
    engine.close()
    assert pid is not None and has_ended(pid)
    with pytest.raises(EngineError, match="closed"):
        list(engine.steps("Hello."))


def test_it_dies_with_the_process_that_started_it(folder: Path) -> None:
    program = (
        "import sys, time, pathlib\n"
        "from livekit.plugins.piper import Piper\n"
        "engine = Piper(pathlib.Path(sys.argv[1]))\n"
        "list(engine.steps('Hello.'))\n"
        "print(engine.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    assert has_ended(pid)


@pytest.mark.parametrize("speaker", ["low", "high"])
def test_a_voice_of_several_speakers_has_the_one_that_is_asked_for(
    tmp_path: Path, speaker: str
) -> None:
    engine = Piper(tiny_piper(tmp_path / "two", speakers=("low", "high")), speaker="low")
    try:
        (chunk,) = engine.steps("Hello there.", Voicing(voice=speaker))
        with pytest.raises(EngineError, match="has no speaker 'bass'; it has low, high"):
            list(engine.steps("Hello there.", Voicing(voice="bass")))
    finally:
        engine.close()
    samples = np.frombuffer(chunk.pcm, dtype=np.int16).astype(float)
    loudest_hz = np.argmax(np.abs(np.fft.rfft(samples))) * RATE_HZ / len(samples)
    assert loudest_hz == pytest.approx({"low": 180, "high": 240}[speaker], abs=25)


def test_what_a_voice_cannot_do_is_one_sentence(engine: Piper) -> None:
    with pytest.raises(EngineError, match="does not speak 'de': choose another"):
        list(engine.steps("Hallo.", Voicing(language="de")))
    with pytest.raises(EngineError, match="speed must be 0.25..4"):
        list(engine.steps("Hello.", Voicing(speed=9.0)))
    assert list(engine.steps("Hello.", Voicing(language="en-US")))


def test_a_missing_voice_is_one_sentence_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"is not in .*: run `parley download piper:nobody`"):
        Piper(tmp_path / "nobody")


@pytest.mark.parametrize("content", [None, "", "no json", "[]", '{"audio": {}}'])
def test_a_broken_description_is_one_sentence_with_the_command(
    tmp_path: Path, folder: Path, content: str | None
) -> None:
    (tmp_path / VOICE_FILE).write_bytes((folder / VOICE_FILE).read_bytes())
    if content is not None:
        (tmp_path / f"{VOICE_FILE}.json").write_text(content)
    with pytest.raises(EngineError, match="description.*: run `parley download piper:tiny`"):
        Piper(tmp_path, name="tiny")


def test_a_truncated_voice_is_one_sentence_with_the_command(tmp_path: Path, folder: Path) -> None:
    whole = (folder / VOICE_FILE).read_bytes()
    (tmp_path / VOICE_FILE).write_bytes(whole[: len(whole) // 2])
    (tmp_path / f"{VOICE_FILE}.json").write_bytes((folder / f"{VOICE_FILE}.json").read_bytes())
    engine = Piper(tmp_path, name="tiny")
    try:
        for _ in range(2):  # the second text does not hear of the first one's end
            with pytest.raises(EngineError, match=r"cannot load .*: run `parley download piper:"):
                list(engine.steps("Hello."))
    finally:
        engine.close()


def test_a_server_with_many_open_files_can_still_speak(folder: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    many = [os.dup(0) for _ in range(1100)]
    engine = Piper(folder)
    try:
        assert list(engine.steps("Hello."))
    finally:
        engine.close()
        for descriptor in many:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_another_program_in_its_place_is_found_out() -> None:
    command = [sys.executable, "-c", "print('Good morning, what can I do for you?')"]
    process = PiperProcess(command, timeout_s=5.0, mend="run `parley download`")
    try:
        with pytest.raises(EngineError, match="is not ours"):
            process.ask(b"{}")
    finally:
        process.close()


def test_a_description_without_a_language_takes_espeaks(tmp_path: Path) -> None:
    path = tmp_path / "voice.onnx.json"
    path.write_text('{"audio": {"sample_rate": 16000}, "espeak": {"voice": "de"}}')
    assert read_description(path, "").language == "de"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two? Three!", ["One.", "Two?", "Three!"]),
        ("It is 3.5 metres.", ["It is 3.5 metres."]),
        ("one\ntwo", ["one", "two"]),
        ("… — 🙂 Yes.", ["— 🙂 Yes."]),
        ("[[h@'loU]] there", ["[h@'loU]] there"]),
        ("", []),
    ],
)
def test_texts_are_cut_into_what_can_be_spoken(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_a_sentence_too_long_is_cut_at_a_space_and_keeps_its_words() -> None:
    text = "some words " * 100
    pieces = split_sentences(text)
    assert max(map(len, pieces)) <= LONGEST_CHARACTERS
    assert " ".join(pieces).split() == text.split()
    assert all(len(piece) <= LONGEST_CHARACTERS for piece in split_sentences("x" * 1000))


class Kept:
    """The engine of the module, which outlives a test's TTS."""

    def __init__(self, engine: Piper) -> None:
        self.model = engine.model
        self.sample_rate_hz = engine.sample_rate_hz
        self.steps = engine.steps

    def close(self) -> None:
        pass


async def test_as_a_livekit_tts_it_keeps_the_contract(engine: Piper) -> None:
    async with EngineTTS(InProcessSynthesiser(Kept(engine), name="piper"), provider="piper") as tts:
        common_checks.check_identity(tts)
        await tts_checks.check_speaks(tts)
        await tts_checks.check_unpronounceable_is_silence(tts)
        await tts_checks.check_metrics(tts)
        await tts_checks.check_interruption(tts)
        await tts_checks.check_loop_stays_free(tts)


async def test_its_plugin_is_registered_and_closes_the_process(folder: Path) -> None:
    from livekit.plugins import piper

    engine = Piper(folder)
    tts = piper.TTS(engine)
    common_checks.check_registration(tts)
    await tts_checks.say(tts, "Hello.")
    pid = engine.pid
    await tts.aclose()
    await tts.aclose()
    assert pid is not None and has_ended(pid)
