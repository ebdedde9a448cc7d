import itertools
import json

import pytest
from livekit.plugins.simulated import WordsError, parse_words
from livekit.plugins.simulated.words import Announcements, made_up_words
from livekit.plugins.speechcore import Word


def packet(words: object) -> bytes:
    return json.dumps({"words": words}).encode()


def test_a_packet_gives_the_words_with_their_times() -> None:
    words = parse_words(packet([["my", 0.10, 0.31], ["name", 0.31, 1]]))
    assert words == (Word("my", 0.10, 0.31), Word("name", 0.31, 1.0))


def test_a_packet_without_words_announces_a_sound_nobody_understands() -> None:
    assert parse_words(packet([])) == ()


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", 'no list "words"'),
        (b"{}", 'no list "words"'),
        (packet("my name"), 'no list "words"'),
        (packet([["my", 0.1]]), "word 0 is not a list of three"),
        (packet(["my"]), "word 0 is not a list of three"),
        (packet([["a", 0, 1], [" ", 1, 2]]), "word 1 has no text"),
        (packet([[7, 0, 1]]), "word 0 has no text"),
        (packet([["a", "0", 1]]), "word 0 has a time"),
        (packet([["a", True, 1]]), "word 0 has a time"),
        (packet([["a", -0.1, 1]]), "word 0 has a time"),
        (b'{"words": [["a", 0, Infinity]]}', "word 0 has a time"),
        (b'{"words": [["a", 0, 1' + b"0" * 5000 + b"]]}", "word 0 has a time"),
        (packet([["a", 0.5, 0.4]]), "word 0 ends before it starts"),
        (packet([["a", 1, 2], ["b", 0, 3]]), "word 1 comes before"),
        (packet([["a", 1, 2], ["b", 1.5, 1.9]]), "word 1 comes before"),
    ],
)
def test_a_malformed_packet_is_refused_in_one_sentence(payload: bytes, says: str) -> None:
    with pytest.raises(WordsError, match=says) as refused:
        parse_words(payload)
    assert "\n" not in str(refused.value)


def test_words_that_nobody_has_begun_to_say_are_replaced() -> None:
    announcements = Announcements()
    announcements.announce([Word("old", 0, 1)])
    announcements.announce([Word("new", 0, 1)])
    assert announcements.waiting
    assert announcements.take() == (Word("new", 0, 1),)
    assert announcements.take() is None
    assert not announcements.waiting


def test_words_out_of_order_are_not_announced() -> None:
    announcements = Announcements()
    with pytest.raises(WordsError):
        announcements.announce([Word("b", 1, 2), Word("a", 0, 1)])
    assert not announcements.waiting


def test_made_up_words_come_two_and_a_half_a_second_and_are_always_the_same() -> None:
    first = list(itertools.islice(made_up_words(1.0), 25))
    assert first == list(itertools.islice(made_up_words(1.0), 25))
    assert [round(word.end_s - word.start_s, 6) for word in first] == [0.4] * 25
    assert first[24].end_s == pytest.approx(11.0)
