"""Whether a recogniser works again, found out with a short silence."""

from __future__ import annotations

import asyncio
from typing import Any

from livekit import rtc
from livekit.agents import APIConnectOptions, stt

_RATE_HZ = 16_000
_SAMPLES = round(0.3 * _RATE_HZ)
_SHARE = 0.6
"""Of the deadline: a stream that is open and has raised nothing by then works."""


async def probe(engine: stt.STT[Any], deadline_s: float) -> None:
    """Raises what is wrong with the engine."""
    silence = rtc.AudioFrame(bytes(2 * _SAMPLES), _RATE_HZ, 1, _SAMPLES)
    options = APIConnectOptions(max_retry=0, timeout=deadline_s)
    if not engine.capabilities.streaming:
        await engine.recognize([silence], conn_options=options)
        return
    stream = engine.stream(conn_options=options)
    try:
        stream.push_frame(silence)
        stream.end_input()
        async with asyncio.timeout(_SHARE * deadline_s) as patience:
            async for _ in stream:
                pass
    except TimeoutError:
        if not patience.expired():
            raise
    finally:
        await stream.aclose()
