import pytest
from livekit.plugins.espeak.text import speakable, split_units


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Hello there.", "Hello there."),
        ("Good \U0001f600 morning ☀️", "Good   morning"),
        ("a\x01b\x00c\x7f", "a b c"),
        ("zero\u200bwidth", "zerowidth"),
        ("one\ttwo\r\nthree", "one two \nthree"),
        ("<b>20°</b> & more", "<b>20°</b> & more"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", ""),
        ("lone \ud800 surrogate", "lone  surrogate"),
    ],
)
def test_only_what_can_be_read_out_is_left(text: str, read: str) -> None:
    assert speakable(text) == read


def test_a_short_text_is_one_unit() -> None:
    assert split_units("Dr. Smith is in.  He waits.\nCome.") == ["Dr. Smith is in. He waits. Come."]


def test_a_long_text_is_cut_at_sentence_ends() -> None:
    assert split_units("One two. Three four! Five six?", 20) == [
        "One two. Three four!",
        "Five six?",
    ]


def test_a_sentence_without_end_is_cut_between_words() -> None:
    units = split_units("word " * 100, 42)
    assert all(len(unit) <= 42 for unit in units)
    assert " ".join(units) == ("word " * 100).strip()


def test_a_word_without_end_is_cut_too() -> None:
    assert split_units("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


def test_nothing_gives_no_units() -> None:
    assert split_units("") == []
    assert split_units(" \n ") == []


def test_sentences_of_scripts_without_spaces_are_cut() -> None:
    assert split_units("今日は。元気ですか？", 5) == ["今日は。", "元気ですか"[:5], "？"]
