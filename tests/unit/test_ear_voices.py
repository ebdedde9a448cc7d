from __future__ import annotations

import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from livekit.plugins.speechcore import Word

from evals.ear.flite import AUDIBLE, Phone, Synthesis, VoiceError, align, spoken_words, synthesise
from evals.ear.scenario import Utterance
from evals.ear.voices import Spoken, cut, speak, spread, with_pauses
from tests.stack.caller import RATE_HZ
from tests.stack.speech import write_wav

RECORDED_HZ = 16_000
SENTENCE = "I would like to | change my appointment | to next Friday."


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))


def utterance(text: str, voice: str = "slt", **fields: object) -> Utterance:
    return Utterance(id="u", text=text, voice=voice, **fields)  # type: ignore[arg-type]


def loud_at(spoken: Spoken, start_s: float, end_s: float) -> bool:
    part = spoken.samples[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]
    return bool(np.abs(part.astype(int)).max(initial=0) > AUDIBLE)


def synthesis(*lengths_s: float) -> Synthesis:
    """A word of each length, loud all the time."""
    ends = np.cumsum(lengths_s)
    words = tuple(
        Word(f"w{index}", float(end - length), float(end))
        for index, (length, end) in enumerate(zip(lengths_s, ends, strict=True))
    )
    return Synthesis(np.full(round(ends[-1] * RATE_HZ), 5000, dtype=np.int16), words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, there!", ["hello", "there"]),
        ("It's nine o'clock.", ["it's", "nine", "o'clock"]),
        ("Well - “maybe” … no?", ["well", "maybe", "no"]),
        ("Twenty-one A B", ["twenty-one", "a", "b"]),
    ],
)
def test_words_are_as_a_recogniser_writes_them(text: str, words: list[str]) -> None:
    assert spoken_words(text) == words


@pytest.mark.parametrize(
    ("phones", "words", "owners"),
    [
        ("a b c d", ["a b", "c d"], [(0, 2), (2, 4)]),
        ("a x c d", ["a b", "c d"], [(0, 2), (2, 4)]),  # one sounds different
        ("a c d", ["a b", "c d"], [(0, 1), (1, 3)]),  # one is swallowed
        ("a b b c d", ["a b", "c d"], [(0, 3), (3, 5)]),  # one is longer
        ("a b", ["a b", ""], [(0, 2), (2, 2)]),  # one is not spoken
    ],
)
def test_words_are_found_among_the_phones(
    phones: str, words: list[str], owners: list[tuple[int, int]]
) -> None:
    spoken = [Phone(name, index, index + 1) for index, name in enumerate(phones.split())]
    assert align(spoken, [word.split() for word in words]) == owners


@pytest.mark.parametrize("voice", ["slt", "rms", "awb", "kal16", "kal"])
def test_every_voice_says_every_word_in_order_within_its_sound(voice: str) -> None:
    spoken = speak(utterance("Could you tell me when the next train leaves?", voice))
    names = [word.text for word in spoken.words]
    assert names == "could you tell me when the next train leaves".split()
    times = [time for word in spoken.words for time in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert times[0] == 0.0
    assert times[-1] == spoken.end_s == len(spoken.samples) / RATE_HZ
    assert all(0.04 < word.end_s - word.start_s < 0.9 for word in spoken.words)
    assert loud_at(spoken, 0.0, 0.001)
    assert loud_at(spoken, spoken.end_s - 0.001, spoken.end_s)


def test_a_word_is_where_flite_says_it_after_a_silence() -> None:
    """A comma makes flite pause: the words around must lie on both sides of the silence."""
    spoken = speak(utterance("After the long winter, everybody went outside."))
    quiet_s = [
        (one.end_s + other.start_s) / 2
        for one, other in pairwise(spoken.words)
        if other.start_s - one.end_s > 0.05
    ]
    assert [word.text for word in spoken.words if word.end_s < quiet_s[0]][-1] == "winter"
    assert not loud_at(spoken, quiet_s[0] - 0.02, quiet_s[0] + 0.02)


@pytest.mark.parametrize("apart", [False, True])
def test_pauses_lie_between_the_parts_and_are_silent(apart: bool) -> None:
    spoken = speak(utterance(SENTENCE, pauses_s=(0.5, 1.2), apart=apart))
    lengths = [end_s - start_s for start_s, end_s in spoken.pauses_s]
    assert lengths == pytest.approx([0.5, 1.2])
    for (start_s, end_s), before, after in zip(
        spoken.pauses_s, ("to", "appointment"), ("change", "to"), strict=True
    ):
        assert not loud_at(spoken, start_s, end_s)
        assert [word.text for word in spoken.words if word.end_s <= start_s + 1e-9][-1] == before
        assert next(word.text for word in spoken.words if word.start_s >= end_s - 1e-9) == after


def test_parts_are_pieces_of_one_sentence_unless_they_are_spoken_apart() -> None:
    for apart, text in ((False, SENTENCE.replace("| ", "")), (True, "I would like to")):
        spoken = speak(utterance(SENTENCE, pauses_s=(0.5, 1.2), apart=apart))
        before = round((spoken.pauses_s[0][0] - 0.01) * RATE_HZ)
        assert (spoken.samples[:before] == synthesise(text, "slt").samples[:before]).all()


def test_a_cut_lies_between_the_words_and_has_soft_edges() -> None:
    first, second = cut(synthesis(0.2, 0.3, 0.4), [2, 1])
    assert [word.text for word in first.words] == ["w0", "w1"]
    assert len(first.samples) / RATE_HZ == pytest.approx(0.5, abs=0.001)
    assert first.samples[0] == 5000
    assert abs(first.samples[-1]) < 100
    assert abs(second.samples[0]) < 100
    assert second.samples[-1] == 5000


def test_words_move_with_the_pauses() -> None:
    spoken = with_pauses([synthesis(0.2), synthesis(0.3, 0.1)], [0.7])
    assert [word.start_s for word in spoken.words] == pytest.approx([0.0, 0.9, 1.2])
    assert spoken.pauses_s[0] == pytest.approx((0.2, 0.9))
    assert spoken.end_s == pytest.approx(1.3)


def test_words_of_a_recording_share_its_time_by_their_letters() -> None:
    words = spread("Go forward", 1.0, 2.0)
    assert [(word.text, word.start_s) for word in words] == [
        ("go", 1.0),
        ("forward", pytest.approx(1 + 2 / 9)),
    ]
    assert words[-1].end_s == pytest.approx(2.0)


def test_a_human_turn_keeps_the_times_of_its_manifest() -> None:
    spoken = speak(utterance("", voice="human", recording="hp-card5"))
    assert spoken.pauses_s == ((2.02, 2.985),)
    assert (spoken.start_s, spoken.end_s) == (0.1, 4.2)
    assert spoken.words[-1].end_s == pytest.approx(4.2)
    assert spoken.words[0].start_s == pytest.approx(0.1)
    assert loud_at(spoken, 0.1, 2.02)
    assert len(spoken.samples) / RATE_HZ == pytest.approx(4.3, abs=0.01)


def recorded(path: Path, *sound_s: tuple[float, float], of_s: float = 3.0) -> str:
    """A recording of a noise bed with sound from second to second."""
    samples = np.random.default_rng(0).normal(0, 30, round(of_s * RECORDED_HZ))
    for start_s, end_s in sound_s:
        at = slice(round(start_s * RECORDED_HZ), round(end_s * RECORDED_HZ))
        samples[at] = 6000 * np.sin(np.arange(at.stop - at.start) / 5)
    write_wav(path, samples, RECORDED_HZ)
    return str(path)


def test_a_recording_of_ones_own_is_said_from_its_first_sound_to_its_last(tmp_path: Path) -> None:
    wav = recorded(tmp_path / "own.wav", (0.5, 1.0), (1.1, 1.5), (2.2, 2.6))
    spoken = speak(utterance("I'd like a table | for six", voice="human", wav=wav))
    assert (spoken.start_s, spoken.end_s) == (
        pytest.approx(0.5, abs=0.01),
        pytest.approx(2.6, abs=0.01),
    )
    assert spoken.pauses_s == (pytest.approx((1.5, 2.2), abs=0.01),)
    assert [word.text for word in spoken.words] == ["i'd", "like", "a", "table", "for", "six"]
    assert spoken.words[3].end_s == pytest.approx(1.5, abs=0.01)
    assert spoken.words[4].start_s == pytest.approx(2.2, abs=0.01)
    assert len(spoken.samples) / RATE_HZ == pytest.approx(3.0, abs=0.01)


def test_a_recording_without_text_is_a_sound(tmp_path: Path) -> None:
    wav = recorded(tmp_path / "own.wav", (0.5, 1.0), (2.0, 2.5))
    spoken = speak(utterance("", voice="human", wav=wav))
    assert (spoken.words, spoken.pauses_s) == ((), ())


def test_a_recording_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path) -> None:
    def message(name: str, text: str = "hello") -> str:
        with pytest.raises(VoiceError) as caught:
            speak(utterance(text, voice="human", wav=str(tmp_path / name)))
        return str(caught.value)

    assert "missing.wav cannot be read" in message("missing.wav")
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    assert "broken.wav cannot be read" in message("broken.wav")
    recorded(tmp_path / "quiet.wav")
    assert "nothing can be heard in" in message("quiet.wav")
    recorded(tmp_path / "pause.wav", (0.5, 1.0), (2.0, 2.5))
    assert "2 stretches of sound" in message("pause.wav")
    with wave.open(str(tmp_path / "stereo.wav"), "wb") as wav:
        wav.setparams((2, 2, 48_000, 0, "NONE", ""))
        wav.writeframes(bytes(48_000))
    assert "stereo.wav is not 16 bit mono" in message("stereo.wav")


def test_a_sound_has_no_words() -> None:
    spoken = speak(utterance("", voice="sound", sound="cough", seed=2))
    assert spoken.words == ()
    assert loud_at(spoken, 0, spoken.end_s)


def test_what_was_synthesised_once_comes_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    first = synthesise("A sentence for the cache.", "kal16")
    synthesise.cache_clear()
    monkeypatch.setenv("PATH", "")
    again = synthesise("A sentence for the cache.", "kal16")
    assert again.words == first.words
    assert (again.samples == first.samples).all()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (utterance("hello", voice="robot"), "there is no flite voice 'robot'"),
        (utterance("", voice="human", recording="h-nobody"), "there is no recording 'h-nobody'"),
    ],
)
def test_what_cannot_be_spoken_is_said_in_a_sentence(asked: Utterance, message: str) -> None:
    with pytest.raises(VoiceError, match=message):
        speak(asked)


def test_without_flite_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(VoiceError, match="apt install flite"):
        synthesise("Nobody has ever said this.", "kal16")
