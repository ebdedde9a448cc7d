"""What a chain tells of itself: an event for the metrics, a line for the log, never a user's word."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from .breaker import BreakerState
from .faults import Fault, FaultKind

logger = logging.getLogger(__package__)

Stage = Literal["stt", "llm", "tts"]
NOBODY = "none"
"""Who has won where both had not spoken when the answer was not wanted any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Switched:
    """A member failed in the midst of its work and the next one took over."""

    stage: Stage
    source: str
    """The name of the member that failed."""
    to: str | None
    """None: nobody was left, the request failed."""
    fault: Fault
    words: int = 0
    """Words that were already out and that the next one goes on from."""
    audio_s: float = 0.0
    """Seconds of audio given to the next one again (STT) or already out (TTS)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hedged:
    """Two members were asked the same; what the loser gave is thrown away."""

    stage: Stage
    first: str
    second: str
    winner: str
    wasted_tokens: int = 0
    wasted_bytes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakerChanged:
    """This process opened or closed the breaker of a member, or changed how long it is open."""

    name: str
    state: BreakerState
    fault: Fault | None = None
    """What opened it."""
    open_s: float = 0.0
    """For how long; infinite: until the worker is restarted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokeOff:
    """A member failed when it had given enough: nothing was asked of another one."""

    stage: Stage
    name: str
    fault: Fault


ChainEvent = Switched | Hedged | BrokeOff | BreakerChanged
OnEvent = Callable[[ChainEvent], None]


def ignore(event: ChainEvent) -> None:
    """For a chain that nobody listens to."""


def report(event: ChainEvent, on_event: OnEvent) -> None:
    """Logs `event` and hands it on. A listener that raises harms no call."""
    _log(event)
    try:
        on_event(event)
    except Exception:
        logger.exception("a listener of the engine chains failed")


def _log(event: ChainEvent) -> None:
    match event:
        case Switched():
            logger.warning(
                "an engine failed, the next one goes on"
                if event.to is not None
                else "an engine failed and none is left",
                extra={
                    "stage": event.stage,
                    "from": event.source,
                    "to": event.to,
                    **_told(event.fault),
                    "words": event.words,
                    "audio_s": round(event.audio_s, 2),
                },
            )
        case Hedged():
            logger.info("two engines were asked the same", extra=asdict(event))
        case BrokeOff():
            logger.warning(
                "an engine failed after it had given enough",
                extra={"stage": event.stage, "engine": event.name, **_told(event.fault)},
            )
        case BreakerChanged():
            _log_breaker(event)


def _log_breaker(event: BreakerChanged) -> None:
    extra: dict[str, object] = {"engine": event.name, "state": event.state.value}
    if event.fault is None:
        logger.info("an engine works again", extra=extra)
        return
    extra |= _told(event.fault)
    if event.fault.kind is FaultKind.KEY:
        logger.error(
            "an engine's key is refused: mend it and restart the worker; nothing is asked of the"
            " engine until then",
            extra=extra,
        )
    else:
        logger.warning("an engine is left alone", extra=extra | {"open_s": round(event.open_s, 1)})


def _told(fault: Fault) -> dict[str, str]:
    return {"fault": fault.kind.value, "detail": fault.message}
