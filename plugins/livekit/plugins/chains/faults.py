"""What is wrong with an engine, read from whatever it raised."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum

from livekit.agents import APIConnectionError, APIError, APITimeoutError
from livekit.plugins.speechcore import EngineBusy, EngineError, EngineTimeout


class FaultKind(StrEnum):
    KEY = "key"
    RATE_LIMIT = "rate_limit"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    PROTOCOL = "protocol"
    BUSY = "busy"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Fault:
    """`message` is one sentence of ours: a provider's own words may quote a key or the caller."""

    kind: FaultKind
    message: str
    retry_after_s: float | None = None


class GarbageError(APIError):
    """An engine answered with something that is no answer. The message quotes nothing of it."""


_LONGEST_CHAIN = 10
_BAD_DATA = (ValueError, LookupError, TypeError, AttributeError)
"""What code raises that parses something else than it expects."""

_STATUS = {
    400: (FaultKind.PROTOCOL, "refused the request"),
    401: (FaultKind.KEY, "does not take the key"),
    402: (FaultKind.KEY, "wants to be paid"),
    403: (FaultKind.KEY, "does not allow the key to do this"),
    408: (FaultKind.TIMEOUT, "waited too long"),
    429: (FaultKind.RATE_LIMIT, "has had too many requests"),
    502: (FaultKind.UNREACHABLE, "is not there, says its gateway"),
    503: (FaultKind.UNREACHABLE, "is not ready"),
    504: (FaultKind.TIMEOUT, "was late, says its gateway"),
}


def classify(error: BaseException) -> Fault:
    """The fault behind `error`: livekit's errors, an engine's, and what they were raised from."""
    chain = list(_chain(error))
    for one in chain:
        if isinstance(one, EngineBusy):
            return Fault(FaultKind.BUSY, str(one) or "is busy")
    for one in chain:
        if status := _status(one):
            return _of_status(status, chain)
    for one in chain:
        if fault := _of_type(one):
            return fault
    if isinstance(error, APIConnectionError):
        return Fault(FaultKind.UNREACHABLE, f"the connection failed{_origin(error)}")
    return Fault(FaultKind.OTHER, f"it failed{_origin(error)}")


def late(deadline_s: float, what: str) -> Fault:
    """`what` did not come within `deadline_s`."""
    return Fault(FaultKind.TIMEOUT, f"gave no {what} within {deadline_s * 1000:.0f} ms")


def nobody_left(message: str, kinds: Set[FaultKind]) -> APIError:
    """What a chain raises when all of its members have failed, with faults of these kinds: not to
    be retried, since the chain has done so."""
    error_type = APITimeoutError if kinds == {FaultKind.TIMEOUT} else APIConnectionError
    return error_type(message, retryable=False)


def _of_type(error: BaseException) -> Fault | None:
    if isinstance(error, GarbageError):
        return Fault(FaultKind.PROTOCOL, error.message)
    if isinstance(error, (TimeoutError, asyncio.TimeoutError, EngineTimeout, APITimeoutError)):
        return Fault(FaultKind.TIMEOUT, "missed its deadline")
    if any("Timeout" in kind.__name__ for kind in type(error).__mro__):  # of any HTTP library
        return Fault(FaultKind.TIMEOUT, "missed its deadline")
    if isinstance(error, EngineError):
        return Fault(FaultKind.OTHER, str(error) or "the engine failed")
    if _is_bad_header(error):
        return Fault(FaultKind.KEY, "the key holds a character that cannot be sent, a line's end?")
    if isinstance(error, OSError):
        return Fault(FaultKind.UNREACHABLE, f"the connection failed ({type(error).__name__})")
    if isinstance(error, _BAD_DATA) or type(error).__name__ in ("ContentTypeError", "LineTooLong"):
        return Fault(FaultKind.PROTOCOL, f"its answer makes no sense ({type(error).__name__})")
    return None


def _of_status(status: int, chain: list[BaseException]) -> Fault:
    if status in _STATUS:
        kind, what = _STATUS[status]
    elif status < 500:
        kind, what = FaultKind.PROTOCOL, "did not understand the request"
    else:
        kind, what = FaultKind.OTHER, "failed"
    retry_after_s = _retry_after_s(chain) if kind is FaultKind.RATE_LIMIT else None
    return Fault(kind, f"{what} (status {status})", retry_after_s)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it comes from. Also behind `raise … from None`: the official plugins cut
    the chain so, and the response's headers are on what was cut off."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen and len(seen) < _LONGEST_CHAIN:
        yield at
        seen.add(id(at))
        at = at.__cause__ or at.__context__


def _status(error: BaseException) -> int | None:
    """An HTTP status from 400, under the names livekit, openai, httpx and aiohttp give it."""
    for name in ("status_code", "status"):
        value = getattr(error, name, None)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None


def _retry_after_s(chain: list[BaseException]) -> float | None:
    for error in chain:
        for holder in (error, getattr(error, "response", None)):
            headers = getattr(holder, "headers", None)
            if isinstance(headers, Mapping) and (wait_s := _seconds(headers)) is not None:
                return wait_s
    return None


def _seconds(headers: Mapping[str, object]) -> float | None:
    texts = {header.lower(): str(value) for header, value in headers.items()}
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(texts[name]) * scale
        except (KeyError, ValueError):
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    return _seconds_to_date(texts)


def _seconds_to_date(texts: Mapping[str, str]) -> float | None:
    """By the clock of who sent the date, which the answer tells: ours may be another one."""
    try:
        sent, until = (parsedate_to_datetime(texts[name]) for name in ("date", "retry-after"))
        return max(0.0, (until - sent).total_seconds())
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _is_bad_header(error: BaseException) -> bool:
    is_candidate = isinstance(error, ValueError) or type(error).__name__ == "LocalProtocolError"
    return is_candidate and "header" in str(error).lower()


def _origin(error: BaseException) -> str:
    for _ in range(_LONGEST_CHAIN):
        error = error.__cause__ or error
    return "" if isinstance(error, APIError) else f" ({type(error).__name__})"
