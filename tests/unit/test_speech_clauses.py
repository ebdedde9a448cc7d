"""Text that is being written is cut where a speaker would pause, and nowhere else."""

from __future__ import annotations

import random
import time

import pytest
from livekit.plugins.speechcore.text import DEFAULT_LENGTH, ClauseLength, ClauseSplitter

LONG = ClauseLength(sentence_chars=200, comma_chars=200, conjunction_chars=200, max_chars=400)


def clauses(text: str, length: ClauseLength = DEFAULT_LENGTH, *, piece_chars: int = 0) -> list[str]:
    splitter = ClauseSplitter(length=length)
    found: list[str] = []
    step = piece_chars or len(text) or 1
    for start in range(0, len(text), step):
        splitter.push(text[start : start + step])
        found += _taken(splitter)
    splitter.finish()
    return found + _taken(splitter)


def _taken(splitter: ClauseSplitter) -> list[str]:
    found = []
    while (clause := splitter.take()) is not None:
        found.append(clause)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sure. It is open.", ["Sure. ", "It is open."]),
        ("Really?! Yes… Good.", ["Really?! ", "Yes… ", "Good."]),
        ('He said "Stop." Then he left.', ['He said "Stop." ', "Then he left."]),
        ("**Note.** It rains.", ["**Note.** ", "It rains."]),
        (
            "If you come by train, walk down the hill.",
            ["If you come by train, ", "walk down the hill."],
        ),
        (
            "The old harbour was built by brothers who came from the north and stayed because it was warm.",
            [
                "The old harbour was built by brothers who came from the north ",
                "and stayed because it was warm.",
            ],
        ),
        ("- one egg\n- two eggs\n\nEnjoy!", ["- one egg\n", "- two eggs\n\n", "Enjoy!"]),
        ("1. Open it.\n2. Close it.", ["1. Open it.\n", "2. Close it."]),
        ("今日はいい天気です。散歩しましょう。", ["今日はいい天気です。", "散歩しましょう。"]),
    ],
)
def test_a_clause_ends_where_a_speaker_pauses(text: str, expected: list[str]) -> None:
    assert clauses(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Pi is 3.14 or so.",
        "It costs 1,000 dollars.",
        "Dr. Smith is in.",
        "Mr. and Mrs. Jones, Prof. Hill.",
        "He lives at 5 Elm St. in town.",
        "It opens at 5 p.m. today.",
        "Ask J. Smith about it.",
        "Take fruit, e.g. apples.",
        "See no. 5 on the list.",
        "Version 2.5.1 is out.",
        "Write to a.b@example.com now.",
        "See https://example.com/a.b?c=d, now.",
        "See [the docs. All](https://example.com/a.html) now.",
        "10, 20 or 30?",
    ],
)
@pytest.mark.parametrize("piece_chars", [1, 3, 0])
def test_no_clause_ends_within_a_number_an_address_or_an_abbreviation(
    text: str, piece_chars: int
) -> None:
    length = ClauseLength(sentence_chars=1, comma_chars=100, conjunction_chars=100, max_chars=200)
    assert clauses(text, length, piece_chars=piece_chars) == [text]


@pytest.mark.parametrize(
    "text", ["Bring it at 5 p.m. Then rest.", "The answer is no. He left.", "So do I. He left."]
)
def test_an_abbreviation_may_end_a_sentence_before_a_capital_letter(text: str) -> None:
    assert len(clauses(text)) == 2


def test_joined_the_clauses_are_the_text_however_it_comes() -> None:
    random_ = random.Random(7)
    parts = [
        "Sure. ", "Dr. Who, ", "3.14 ", "1,000 ", "and then ", "[a link", "](http://a.b/c) ", "\n\n",
        "- item\n", "| a | b |\n", "word ", "p.m. ", "…", "。", "“Quote.” ", "🙂 ", "x" * 50, " — ",
    ]  # fmt: skip
    for _ in range(300):
        text = "".join(random_.choices(parts, k=random_.randint(0, 25)))
        shortest = random_.randint(1, 60)
        length = ClauseLength(
            sentence_chars=shortest,
            comma_chars=shortest + random_.randint(0, 30),
            conjunction_chars=shortest + random_.randint(0, 60),
            max_chars=shortest + random_.randint(0, 100),
        )
        found = clauses(text, length, piece_chars=random_.randint(1, 9))
        assert "".join(found).rstrip() == text.rstrip()
        assert all(clause.strip() for clause in found)


def test_words_stay_whole_in_a_text_without_punctuation() -> None:
    text = "word " * 100
    found = clauses(text, piece_chars=3)
    assert all(len(clause) <= DEFAULT_LENGTH.max_chars + 1 for clause in found)
    assert {word for clause in found for word in clause.split()} == {"word"}


def test_a_bracket_that_never_closes_does_not_hold_the_text_back() -> None:
    splitter = ClauseSplitter()
    splitter.push("He wrote [sic and so on. " + "Then he wrote more of it. " * 5)
    assert splitter.take() is not None


def test_a_first_clause_is_there_before_the_text_is_complete() -> None:
    splitter = ClauseSplitter()
    splitter.push("Sure. I")
    assert splitter.take() == "Sure. "
    assert splitter.take() is None
    assert splitter.has_pending


def test_a_longer_clause_is_waited_for_when_that_is_asked() -> None:
    text = "Sure. I will look. It is at the corner of the street. Right there."
    length = ClauseLength(sentence_chars=30, comma_chars=30, conjunction_chars=60, max_chars=120)
    assert clauses(text, length)[0] == "Sure. I will look. It is at the corner of the street. "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is fine. And then", "It is fine. "),
        ("It is fine.", "It is fine."),
        ("If it rains, I", "If it rains, "),
        ("Well, I", None),
        ("It costs 3.", None),
        ("Call Dr.", None),
        ("Let me", None),
        ("", None),
    ],
)
def test_when_no_more_comes_for_now_what_is_whole_is_released(
    text: str, expected: str | None
) -> None:
    splitter = ClauseSplitter(length=LONG)
    splitter.push(text)
    assert splitter.release() == expected


def test_blank_text_is_no_clause() -> None:
    assert clauses(" \n\n ") == []


def test_a_book_given_at_once_takes_no_time() -> None:
    text = "Dr. Smith came at 5 p.m., and then he left, because it rained. " * 500
    begun_s = time.perf_counter()
    assert "".join(clauses(text)).rstrip() == text.rstrip()
    assert time.perf_counter() - begun_s < 1.0
