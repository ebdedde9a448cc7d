import pytest
from livekit.plugins.responder.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("ten seconds", 10),
        ("ten second", 10),
        ("a minute", 60),
        ("twenty five minutes", 1500),
        ("90 s", 90),
        ("half a minute", 30),
        ("half an hour", 1800),
        ("a quarter of an hour", 900),
        ("three quarters of an hour", 2700),
        ("two and a half minutes", 150),
        ("a couple of minutes", 120),
        ("one hour and a half", 5400),
        ("an hour and a half", 5400),
        ("one minute and a half", 90),
        ("one hour and twenty minutes", 4800),
        ("1 hour 20 minutes 5 seconds", 4805),
        ("for minutes", 240),
        ("to minutes", 120),
        ("tense seconds", 10),
        ("ten minuets", 600),
    ],
)
def test_durations_are_understood_as_people_say_them(text: str, seconds: float) -> None:
    assert parse_duration(text.split()) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ten",
        "seconds",
        "a few minutes",
        "the minutes",
        "some minutes",
        "one minute one hour",
        "zero minutes",
        "minus five minutes",
        "and ten minutes",
        "ten seconds and tell me the time",
        "twenty five tea minutes",
    ],
)
def test_what_is_no_duration_is_none(text: str) -> None:
    assert parse_duration(text.split()) is None
