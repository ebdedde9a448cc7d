"""Money, percentages and measures."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .number_words import cardinal, decimal
from .rules import NUMBER, Rule, rule


@dataclass(frozen=True, slots=True)
class _Currency:
    one: str
    many: str
    one_part: str = ""
    many_parts: str = ""


_DOLLAR = _Currency("dollar", "dollars", "cent", "cents")
_EURO = _Currency("euro", "euros", "cent", "cents")
_POUND = _Currency("pound", "pounds", "penny", "pence")
_YEN = _Currency("yen", "yen")
_RUPEE = _Currency("rupee", "rupees", "paisa", "paise")
_FRANC = _Currency("Swiss franc", "Swiss francs", "centime", "centimes")
_CURRENCIES = {
    "$": _DOLLAR,
    "US$": _DOLLAR,
    "USD": _DOLLAR,
    "€": _EURO,
    "EUR": _EURO,
    "£": _POUND,
    "GBP": _POUND,
    "¥": _YEN,
    "JPY": _YEN,
    "₹": _RUPEE,
    "INR": _RUPEE,
    "CHF": _FRANC,
}
_SIGN = r"US\$|[$€£¥₹]"
_CODE = r"USD|EUR|GBP|JPY|INR|CHF|[€£¥₹]"
_SCALES = (
    {"k": "thousand", "m": "million", "mn": "million", "bn": "billion", "b": "billion"}
    | {name: name for name in ("hundred", "thousand", "million", "billion", "trillion")}
    | {"t": "trillion", "tn": "trillion"}
)
_SCALE_NAME = r"hundred|thousand|million|billion|trillion"

_UNITS = {
    "km": "kilometer",
    "cm": "centimeter",
    "mm": "millimeter",
    "m": "meter",
    "mi": "mile",
    "ft": "foot",
    "yd": "yard",
    "kg": "kilogram",
    "mg": "milligram",
    "g": "gram",
    "lb": "pound",
    "lbs": "pound",
    "oz": "ounce",
    "ml": "milliliter",
    "mL": "milliliter",
    "cl": "centiliter",
    "l": "liter",
    "L": "liter",
    "gal": "gallon",
    "ha": "hectare",
    "sq ft": "square foot",
    "sq. ft": "square foot",
    "m²": "square meter",
    "m2": "square meter",
    "km²": "square kilometer",
    "km2": "square kilometer",
    "ft²": "square foot",
    "m³": "cubic meter",
    "m3": "cubic meter",
    "KB": "kilobyte",
    "kB": "kilobyte",
    "MB": "megabyte",
    "GB": "gigabyte",
    "TB": "terabyte",
    "Kbps": "kilobit per second",
    "kbps": "kilobit per second",
    "Mbps": "megabit per second",
    "Mbit/s": "megabit per second",
    "Gbps": "gigabit per second",
    "MB/s": "megabyte per second",
    "GB/s": "gigabyte per second",
    "Hz": "hertz",
    "kHz": "kilohertz",
    "MHz": "megahertz",
    "GHz": "gigahertz",
    "W": "watt",
    "kW": "kilowatt",
    "MW": "megawatt",
    "kWh": "kilowatt hour",
    "V": "volt",
    "mA": "milliamp",
    "mAh": "milliamp hour",
    "dB": "decibel",
    "px": "pixel",
    "kcal": "kilocalorie",
    "cal": "calorie",
    "psi": "P.S.I",
    "rpm": "R.P.M",
    "fps": "frame per second",
    "mph": "mile per hour",
    "km/h": "kilometer per hour",
    "kph": "kilometer per hour",
    "m/s": "meter per second",
    "ms": "millisecond",
    "s": "second",
    "sec": "second",
    "secs": "second",
    "min": "minute",
    "mins": "minute",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
}
_SAME_MANY = frozenset(["hertz", "kilohertz", "megahertz", "gigahertz", "P.S.I", "R.P.M"])
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))


def _money(match: re.Match[str]) -> str:
    currency = _CURRENCIES[match["sign"]]
    amount, scale = match["amount"], _SCALES.get((match["scale"] or "").lower())
    first = f"{decimal(match['first'])} to " if match["first"] else ""
    if scale:
        return f"{first}{decimal(amount)} {scale} {currency.many}"
    whole, _, part = amount.replace(",", "").partition(".")
    if currency.one_part and re.fullmatch(r"\d\d", part):
        return first + _with_parts(int(whole), int(part), currency)
    is_one = amount == "1" and not first
    return f"{first}{decimal(amount)} {currency.one if is_one else currency.many}"


def _with_parts(whole: int, part: int, currency: _Currency) -> str:
    words: list[str] = []
    if whole or not part:
        words.append(f"{cardinal(whole)} {currency.one if whole == 1 else currency.many}")
    if part:
        words.append(f"{cardinal(part)} {currency.one_part if part == 1 else currency.many_parts}")
    return " and ".join(words)


def _measure(match: re.Match[str]) -> str:
    unit = _UNITS[re.sub(r"\s+", " ", match["unit"])]
    is_one = match["amount"] == "1" and not match["first"]
    name = unit if is_one or match["hyphen"] == "-" else _many(unit)
    return f"{_amount(match)} {name}"


def _many(unit: str) -> str:
    if unit in _SAME_MANY:
        return unit
    head, per, rest = unit.partition(" per ")
    many = head[: -len("foot")] + "feet" if head.endswith("foot") else f"{head}s"
    return many + per + rest


def _degrees(match: re.Match[str]) -> str:
    scale = {"C": " Celsius", "F": " Fahrenheit"}.get(match["scale"] or "", "")
    is_one = match["amount"] == "1" and not match["first"]
    return f"{_amount(match)} {'degree' if is_one else 'degrees'}{scale}"


def _amount(match: re.Match[str]) -> str:
    minus = "minus " if match["minus"] else ""
    first = f"{decimal(match['first'])} to " if match["first"] else ""
    return minus + first + decimal(match["amount"])


_RANGE = rf"(?:(?P<first>{NUMBER})\s?(?:[-–]|to)\s?)?"
_BARE = r"(?<![\w.,:/$€£¥₹-])"
_AMOUNT = rf"(?P<minus>(?<![\w)])[-−])?(?<![\w.,:/$€£¥₹]){_RANGE}(?P<amount>{NUMBER})"

RULES: tuple[Rule, ...] = (
    rule(
        rf"(?P<sign>{_SIGN})\s?(?:(?P<first>{NUMBER})\s?[-–]\s?(?:{_SIGN})?)?(?P<amount>{NUMBER})"
        rf"(?:\s?(?P<scale>{_SCALE_NAME}|[kKmMbB]n?|[tT]n?)\b)?",
        _money,
    ),
    rule(
        rf"{_BARE}{_RANGE}(?P<amount>{NUMBER})(?:\s(?P<scale>{_SCALE_NAME}))?\s?(?P<sign>{_CODE})"
        r"(?!\w)",
        _money,
    ),
    rule(rf"{_AMOUNT}\s?°\s?(?P<scale>[CF]\b)?", _degrees),
    rule(
        r"(?<![\w.])([3-8])['’′]\s?(1[01]|\d)[\"”″](?!\w)",
        lambda match: f"{cardinal(int(match[1]))} foot {cardinal(int(match[2]))}",
    ),
    rule(
        rf"{_AMOUNT}\s?¢",
        lambda match: f"{_amount(match)} {'cent' if match['amount'] == '1' else 'cents'}",
    ),
    rule(rf"{_AMOUNT}\s?%", lambda match: f"{_amount(match)} percent"),
    rule(
        rf"{_AMOUNT}(?P<hyphen>[\s-]?)(?P<unit>{_UNIT})(?![\w/²³])(?:\.(?=\s+[a-z]|[,;:)]))?",
        _measure,
    ),
    rule(
        rf"{_BARE}(?P<amount>{NUMBER})\s?(?P<scale>k|bn|M)(?!\w)",
        lambda match: f"{decimal(match['amount'])} {_SCALES[match['scale'].lower()]}",
    ),
)
