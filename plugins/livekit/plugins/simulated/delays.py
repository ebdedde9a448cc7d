"""Delays as they are written in settings ("80ms", "0.08s"), and the waiting for them."""

from __future__ import annotations

import asyncio
import math
import re

from livekit.agents import APIConnectOptions
from livekit.plugins.speechio import to_api_error

_DELAY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s)\s*", re.IGNORECASE | re.ASCII)


def parse_delay(text: str) -> float:
    """Returns seconds. Raises ValueError with one sentence for anything but a number and a unit."""
    match = _DELAY.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is not a delay: write a number and its unit, such as 80ms or 0.08s"
        )
    number = float(match[1])
    return number / 1000 if match[2].lower() == "ms" else number


def format_delay(delay_s: float) -> str:
    """The inverse of `parse_delay`, in milliseconds: the engines' model name."""
    return f"{delay_s * 1000:g}ms"


def check_not_negative(name: str, value: float) -> float:
    """Returns `value`. Raises ValueError for one that is negative or not finite."""
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} is {value}: give a number that is not negative")
    return value


def check_positive(name: str, value: float) -> float:
    """Returns `value`. Raises ValueError for one that is zero, negative or not finite."""
    if not math.isfinite(value) or value <= 0:
        raise ValueError(f"{name} is {value}: give a number above zero")
    return value


async def wait_for_engine(delay_s: float, conn_options: APIConnectOptions) -> None:
    """The engine's work. Raises APITimeoutError when it is longer than the caller will wait."""
    try:
        async with asyncio.timeout(conn_options.timeout):
            await asyncio.sleep(delay_s)
    except TimeoutError as e:
        raise to_api_error(e) from e
