"""What Kyutai's voice is sent of a text, and when each word of it is heard. Addresses, too."""

from __future__ import annotations

import numpy as np
import pytest
from livekit.plugins.kyutai import ServerOptions, parse_address
from livekit.plugins.kyutai.onset import Onset
from livekit.plugins.kyutai.words import Spoken, WordFeed, Written
from livekit.plugins.speechcore import EngineError, Word

RATE_HZ = 24_000


def fed(*pieces: str) -> list[list[str]]:
    """What is sent after each piece, and at the end."""
    feed = WordFeed()
    sent = [[word.spoken for word in feed.push(piece)] for piece in pieces]
    return [*sent, [word.spoken for word in feed.finish()]]


def test_a_word_is_sent_once_it_is_whole_however_the_model_wrote_it() -> None:
    assert fed("Hel", "lo there", ", you", " ") == [[], ["Hello"], ["there,"], ["you"], []]


@pytest.mark.parametrize(
    ("written", "spoken", "pieces"),
    [
        ("It’s", "It's", 1),
        ("10:30", "10 30", 2),
        ("**bold**", "bold", 1),
        ("(aside)", "aside", 1),
        ("mid–way", "midway", 1),
        ("“quoted”", '"quoted"', 1),
    ],
)
def test_what_the_server_would_change_is_changed_before(
    written: str, spoken: str, pieces: int
) -> None:
    (word,) = WordFeed().push(f"{written} ")
    assert (word.text, word.spoken, word.pieces) == (f"{written} ", spoken, pieces)


def test_what_has_no_sound_is_not_sent_and_stays_in_the_text() -> None:
    feed = WordFeed()
    words = [*feed.push("Well — yes … "), *feed.push("no"), *feed.finish()]
    assert [word.spoken for word in words] == ["Well", "yes", "no"]
    assert "".join(word.text for word in words) == "Well — yes … no"


@pytest.mark.parametrize("text", ["", "  \n", "…", "🙂 —", "***"])
def test_a_text_without_a_sound_sends_nothing(text: str) -> None:
    feed = WordFeed()
    assert [*feed.push(text), *feed.finish()] == []


def test_a_written_word_is_told_when_its_last_piece_is() -> None:
    spoken = Spoken()
    spoken.send(Written("At ", "At"))
    spoken.send(Written("10:30", "10 30"))
    assert spoken.sent == 3
    told = [spoken.tell(start_s, start_s + 0.3) for start_s in (0.0, 0.4, 0.7, 1.0)]
    assert told == [Word("At ", 0.0, 0.3), None, Word("10:30", 0.4, 1.0), None]
    assert spoken.told == 3


def tone(seconds: float) -> bytes:
    wave = np.sin(np.arange(round(seconds * RATE_HZ)) / 10) * 8000
    pcm: bytes = wave.astype("<i2").tobytes()
    return pcm


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE_HZ))


@pytest.mark.parametrize("leading_s", [0.0, 0.01, 0.3, 2.0])
def test_silence_before_the_first_sound_is_left_out_but_for_20_ms(leading_s: float) -> None:
    onset, sound = Onset(RATE_HZ), silence(leading_s) + tone(0.2) + silence(0.5)
    given = b"".join(onset.push(sound[at : at + 999 * 2]) for at in range(0, len(sound), 999 * 2))
    expected_s = min(leading_s, 0.02) + 0.7
    assert len(given) / 2 / RATE_HZ == pytest.approx(expected_s, abs=0.001)
    assert onset.heard_s == pytest.approx(expected_s, abs=0.001)


def test_words_come_with_their_sound_and_its_times() -> None:
    onset = Onset(RATE_HZ)
    for word in (Word("one ", 0.5, 0.8), Word("two", 0.9, 1.2)):
        onset.say(word)
    onset.push(silence(0.5))
    assert onset.words() == []
    onset.push(tone(0.2))
    (one,) = onset.words()
    assert (one.text, one.start_s) == ("one ", pytest.approx(0.02, abs=0.001))
    assert onset.words() == []
    (two,) = onset.words(is_end=True)
    assert (two.start_s, two.end_s) == (
        pytest.approx(0.42, abs=0.001),
        pytest.approx(0.72, abs=0.001),
    )


def test_an_address_may_tell_the_models_delay() -> None:
    assert parse_address("ws://host:8080") == ServerOptions(url="ws://host:8080")
    options = parse_address("wss://host/behind/a/proxy?delay=2.5", api_key="sesame")
    assert (options.url, options.delay_s) == ("wss://host/behind/a/proxy", 2.5)
    assert (options.api_key, options.name) == ("sesame", "host")
    assert "sesame" not in repr(options)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "must be ws://host:port"),
        ("host:8080", "must be ws://host:port"),
        ("http://host:8080", "must be ws://host:port"),
        ("ws://", "must be ws://host:port"),
        ("ws://host?delay=soon", "no number of seconds"),
        ("ws://host?delay=nan", "must be 0 to 10 s"),
        ("ws://host?delay=0", "must be 0 to 10 s"),
        ("ws://host?speed=2", r"knows \?delay=SECONDS"),
    ],
)
def test_an_address_that_is_none_is_one_sentence(address: str, says: str) -> None:
    with pytest.raises(EngineError, match=says):
        parse_address(address)
