"""How a realtime model is made and asked. Two functions a model: add them here, and in `profiles.KNOWN`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from livekit.agents import llm

from agent.config import Settings
from agent.profiles import Choice, Realtime

Factory = Callable[[Settings, Realtime, str], llm.RealtimeModel]
"""From the settings, the choice, and the language people speak. Raises ValueError with a sentence."""

Asker = Callable[[Settings, Realtime], Awaitable[str | None]]
"""Asks the model's server. A sentence that says what is wrong, or None."""


def make_realtime(settings: Settings, choice: Choice) -> llm.RealtimeModel | None:
    """The realtime model of a call; None for a cascade's. Raises ValueError with a sentence."""
    if choice.realtime is None:
        return None
    return REALTIME[choice.realtime.spec.name](settings, choice.realtime, choice.language)


async def check_online(settings: Settings, realtime: Realtime) -> str | None:
    """What the model's server says: a sentence about what is wrong, or None."""
    return await ASKED[realtime.spec.name](settings, realtime)


def _openai(settings: Settings, realtime: Realtime, language: str) -> llm.RealtimeModel:
    from agent.realtime.openai import openai_realtime

    return openai_realtime(settings, realtime.spec.model, realtime.voice, language)


async def _ask_openai(settings: Settings, realtime: Realtime) -> str | None:
    from agent.realtime.openai import check_realtime

    return await check_realtime(settings, realtime.spec.model)


def _moshi(settings: Settings, realtime: Realtime, language: str) -> llm.RealtimeModel:
    from agent.realtime.moshi import moshi_realtime

    return moshi_realtime(realtime.spec.model, language)


async def _ask_moshi(settings: Settings, realtime: Realtime) -> str | None:
    from agent.realtime.moshi import check_moshi

    return await check_moshi(realtime.spec.model)


REALTIME: dict[str, Factory] = {"openai": _openai, "moshi": _moshi}
ASKED: dict[str, Asker] = {"openai": _ask_openai, "moshi": _ask_moshi}
