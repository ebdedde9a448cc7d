import pytest
from livekit.plugins.responder.numbers import format_number, parse_misheard, parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("ten", 10),
        ("twenty five", 25),
        ("a hundred", 100),
        ("one hundred and five", 105),
        ("two thousand three hundred and one", 2301),
        ("one million", 1_000_000),
        ("one point five", 1.5),
        ("zero point two five", 0.25),
        ("minus five", -5),
        ("two and a half", 2.5),
        ("3.5", 3.5),
    ],
)
def test_numbers_are_understood_as_people_say_them(text: str, number: float) -> None:
    assert parse_number(text.split()) == number


@pytest.mark.parametrize(
    "text",
    ["", "and", "a", "the", "five two", "twenty twenty", "ten apples", "point", "one point ten"],
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert parse_number(text.split()) is None


@pytest.mark.parametrize(("text", "number"), [("for", 4), ("tense", 10), ("twenny fife", 25)])
def test_misheard_numbers_are_guessed_where_only_a_number_makes_sense(
    text: str, number: float
) -> None:
    assert parse_number(text.split()) is None
    assert parse_misheard(text.split()) == number


@pytest.mark.parametrize("text", ["the", "some", "banana", "few"])
def test_other_words_are_not_taken_for_numbers(text: str) -> None:
    assert parse_misheard(text.split()) is None


def test_numbers_are_written_without_needless_decimals() -> None:
    assert [format_number(n) for n in (12.0, 0.5, -3.0)] == ["12", "0.5", "-3"]
