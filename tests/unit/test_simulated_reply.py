import numpy as np
import pytest
from livekit.plugins.simulated import reply_text
from livekit.plugins.simulated.reply import (
    CHARACTERS_PER_S,
    VoiceChooser,
    count_characters,
    is_speakable,
    split_tokens,
)
from livekit.plugins.simulated.tone import Tone


@pytest.mark.parametrize("number", [0, 7, 12, 345])
def test_a_reply_has_three_sentences_that_name_it_each(number: int) -> None:
    sentences = reply_text(number).split(". ")
    assert len(sentences) == 3
    assert all(sentence.startswith(f"Reply {number} ") for sentence in sentences)


def test_tokens_add_up_to_the_text_and_the_first_names_the_reply() -> None:
    tokens = split_tokens(reply_text(12))
    assert "".join(tokens) == reply_text(12)
    assert tokens[0] == "Reply 12 "
    assert split_tokens("Hello.") == ["Hello."]
    assert split_tokens("") == []


@pytest.mark.parametrize("number", [0, 1, 8, 23])
def test_the_clauses_of_a_reply_last_as_long_as_the_whole(number: int) -> None:
    chooser = VoiceChooser(reply_s=9.0)
    total_s = 0.0
    for sentence in reply_text(number).split(". "):
        voice = chooser.choose(sentence, is_complete=True)
        assert voice is not None
        assert voice.tone_hz == 440 + 60 * (number % 8)
        total_s += count_characters(sentence) * voice.seconds_per_character
    lost = 2  # the full stops split away
    assert total_s == pytest.approx(9.0 * (1 - lost / count_characters(reply_text(number))))


def test_a_clause_without_a_number_belongs_to_the_newest_reply() -> None:
    chooser = VoiceChooser(reply_s=1.8)
    chooser.choose("Reply 5 starts with", is_complete=True)
    voice = chooser.choose("this sentence.", is_complete=True)
    assert voice is not None and voice.number == 5


@pytest.mark.parametrize("text", ["Hello there.", "I got your Reply 3 yesterday.", "with", "1"])
def test_text_of_anyone_else_is_spoken_at_fifteen_characters_a_second(text: str) -> None:
    voice = VoiceChooser(reply_s=1.8).choose(text, is_complete=True)
    assert voice is not None
    assert (voice.number, voice.seconds_per_character) == (0, 1 / CHARACTERS_PER_S)


@pytest.mark.parametrize("text", ["", " ", "R", "Rep", "Reply", "Reply ", "Reply 1"])
def test_a_beginning_that_may_become_a_reply_is_not_decided(text: str) -> None:
    chooser = VoiceChooser(reply_s=1.8)
    assert chooser.choose(text, is_complete=False) is None
    assert chooser.choose(text, is_complete=True) is not None


@pytest.mark.parametrize(
    ("text", "speakable"),
    [("…", False), ("🙂", False), ("", False), (" \n", False), ("4", True), ("é", True)],
)
def test_only_letters_and_digits_can_be_pronounced(text: str, speakable: bool) -> None:
    assert is_speakable(text) is speakable


def test_the_phase_of_a_tone_goes_on_from_piece_to_piece() -> None:
    tone, whole = Tone(500, 24_000), Tone(500, 24_000)
    pieces = b"".join(tone.make(count) for count in (1, 100, 7, 892))
    assert pieces == whole.make(1000)


def test_a_tone_has_its_frequency_and_twenty_decibels_below_full_scale() -> None:
    samples = np.frombuffer(Tone(620, 24_000).make(24_000), dtype="<i2").astype(float)
    assert np.argmax(np.abs(np.fft.rfft(samples))) == 620
    assert 20 * np.log10(np.sqrt(np.mean(samples**2)) / 32768) == pytest.approx(-20, abs=0.05)
