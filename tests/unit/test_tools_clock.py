from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.tools.clock import find_time_zone, in_zone, spoken_date, spoken_time


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("Tokyo", "Asia/Tokyo"),
        ("new york", "America/New_York"),
        ("Japan", "Asia/Tokyo"),
        ("Europe/Paris", "Europe/Paris"),
        ("San Francisco", "America/Los_Angeles"),
        ("Tokio", None),
        ("Berlim", "Europe/Berlin"),
        ("UTC", "Etc/UTC"),
        ("Atlantis", None),
    ],
)
def test_places_become_time_zones(place: str, zone: str | None) -> None:
    assert find_time_zone(place) == zone


@pytest.mark.parametrize(
    ("hour", "minute", "spoken"),
    [(0, 5, "12:05 AM"), (9, 30, "9:30 AM"), (12, 0, "12:00 PM"), (23, 59, "11:59 PM")],
)
def test_time_is_told_as_people_say_it(hour: int, minute: int, spoken: str) -> None:
    assert spoken_time(datetime(2026, 1, 1, hour, minute)) == spoken


def test_date_is_told_with_the_day_of_the_week() -> None:
    assert spoken_date(datetime(2026, 11, 22)) == "Sunday, November 22, 2026"


def test_another_zone_can_be_another_day() -> None:
    noon = datetime(2026, 1, 1, 20, 0, tzinfo=UTC)
    assert spoken_date(in_zone(noon, "Asia/Tokyo")) == "Friday, January 2, 2026"
