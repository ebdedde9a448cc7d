"""Moshi, by its own server: it decides itself when to speak, and cannot be told anything."""

from __future__ import annotations

from livekit.agents import llm
from livekit.plugins.moshi import DEFAULT_URL, MoshiOptions, connect, realtime_model
from livekit.plugins.speechcore import EngineError

_LANGUAGES = {"en", "auto"}


def moshi_realtime(url: str | None, language: str) -> llm.RealtimeModel:
    """`url`: of its server; this machine's when None. Raises ValueError with a sentence."""
    if language.partition("-")[0] not in _LANGUAGES:
        raise ValueError(
            f"Moshi speaks English, not {language!r}: set AGENT_LANGUAGE=en, or another AGENT_REALTIME."
        )
    return realtime_model(_options(url))


async def check_moshi(url: str | None) -> str | None:
    """Begins a conversation and ends it: of a server that serves one call, between two. Returns a sentence that says what is wrong, or None."""
    try:
        async with connect(_options(url)):
            return None
    except EngineError as e:
        return f"{e}."
    except ValueError as e:
        return str(e)


def _options(url: str | None) -> MoshiOptions:
    try:
        return MoshiOptions(url=url or DEFAULT_URL)
    except EngineError as e:
        raise ValueError(f"AGENT_REALTIME: {e}.") from None
