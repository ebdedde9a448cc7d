"""Time and date as people say them, anywhere in the world."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from rapidfuzz import fuzz, process

_PLACES = {
    "america": "America/New_York",
    "australia": "Australia/Sydney",
    "austria": "Europe/Vienna",
    "beijing": "Asia/Shanghai",
    "boston": "America/New_York",
    "brazil": "America/Sao_Paulo",
    "california": "America/Los_Angeles",
    "canada": "America/Toronto",
    "china": "Asia/Shanghai",
    "england": "Europe/London",
    "france": "Europe/Paris",
    "germany": "Europe/Berlin",
    "great britain": "Europe/London",
    "greece": "Europe/Athens",
    "india": "Asia/Kolkata",
    "italy": "Europe/Rome",
    "japan": "Asia/Tokyo",
    "korea": "Asia/Seoul",
    "mexico": "America/Mexico_City",
    "mumbai": "Asia/Kolkata",
    "munich": "Europe/Berlin",
    "netherlands": "Europe/Amsterdam",
    "new zealand": "Pacific/Auckland",
    "poland": "Europe/Warsaw",
    "russia": "Europe/Moscow",
    "san francisco": "America/Los_Angeles",
    "scotland": "Europe/London",
    "seattle": "America/Los_Angeles",
    "spain": "Europe/Madrid",
    "sweden": "Europe/Stockholm",
    "switzerland": "Europe/Zurich",
    "texas": "America/Chicago",
    "turkey": "Europe/Istanbul",
    "united kingdom": "Europe/London",
    "washington": "America/New_York",
}
"""Countries and large cities that are not named in the time zone database."""

_MIN_SCORE = 82
_AREAS = (
    "Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/", "Australia/", "Europe/",
    "Indian/", "Pacific/",
)  # fmt: skip
"""Zones outside these are old names."""


def find_time_zone(place: str) -> str | None:
    """The time zone of a city, country or zone name, forgiving misspelling; None if unknown."""
    wanted = place.strip().replace("_", " ").lower()
    zones = _zones_by_place()
    if wanted in zones:
        return zones[wanted]
    match = process.extractOne(wanted, zones.keys(), scorer=fuzz.ratio, score_cutoff=_MIN_SCORE)
    return zones[match[0]] if match else None


def spoken_time(now: datetime) -> str:
    """Like “3:07 PM”."""
    return f"{now.hour % 12 or 12}:{now.minute:02d} {'AM' if now.hour < 12 else 'PM'}"


def spoken_date(now: datetime) -> str:
    """Like “Sunday, November 22, 2026”."""
    return f"{now:%A}, {now:%B} {now.day}, {now.year}"


def zone_name(zone: str) -> str:
    """The city in a zone's name: “New York” for America/New_York."""
    return zone.rsplit("/", 1)[-1].replace("_", " ")


def in_zone(now: datetime, zone: str) -> datetime:
    return now.astimezone(ZoneInfo(zone))


@cache
def _zones_by_place() -> dict[str, str]:
    zones = {}
    for zone in sorted(available_timezones()):
        if zone.startswith(_AREAS):
            zones[zone_name(zone).lower()] = zone
            zones[zone.replace("_", " ").lower()] = zone
    zones["utc"] = zones["gmt"] = "Etc/UTC"
    return zones | _PLACES
