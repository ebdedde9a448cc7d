import pytest
from livekit.plugins.responder.sums import parse_expression


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("twelve times seven", "12 * 7"),
        ("12 * 7", "12 * 7"),
        ("12 x 7", "12 * 7"),
        ("twelve plus seven minus three", "12 + 7 - 3"),
        ("one hundred divided by four", "100 / 4"),
        ("two point five over five", "2.5 / 5"),
        ("minus five plus two", "-5 + 2"),
        ("five minus minus three", "5 - -3"),
        ("five squared plus two", "5 ** 2 + 2"),
        ("two to the power of ten", "2 ** 10"),
        ("fifteen percent of eighty", "15 / 100 * 80"),
        ("the square root of eighty one", "81 ** 0.5"),
        ("twenty five plus tree", "25 + 3"),
    ],
)
def test_sums_are_understood_as_people_say_them(text: str, expression: str) -> None:
    assert parse_expression(text.split()) == expression


@pytest.mark.parametrize(
    "text",
    ["", "five", "two times", "times five", "plus", "five two", "five squared six", "many times over",
     "square root of minus one", "the times they are changing"],
)  # fmt: skip
def test_what_is_no_sum_is_none(text: str) -> None:
    assert parse_expression(text.split()) is None
