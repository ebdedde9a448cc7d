"""How a realtime model is made and asked. Two functions a model: add them here, and in `profiles.KNOWN`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from livekit.agents import llm

from agent.config import Settings
from agent.profiles import Choice, Realtime

Factory = Callable[[Settings, Choice, Realtime], llm.RealtimeModel]
"""From the settings and what was chosen for a call. Raises ValueError with a sentence."""

Asker = Callable[[Settings, Realtime], Awaitable[str | None]]
"""Asks the model's server. A sentence that says what is wrong, or None."""


def make_realtime(settings: Settings, choice: Choice) -> llm.RealtimeModel | None:
    """The realtime model of a call; None for a cascade's. Raises ValueError with a sentence."""
    if choice.realtime is None:
        return None
    return REALTIME[choice.realtime.spec.name](settings, choice, choice.realtime)


async def check_online(settings: Settings, realtime: Realtime) -> str | None:
    """What the model's server says: a sentence about what is wrong, or None."""
    return await ASKED[realtime.spec.name](settings, realtime)


def _openai(settings: Settings, choice: Choice, realtime: Realtime) -> llm.RealtimeModel:
    from agent.realtime.openai import openai_realtime

    return openai_realtime(
        settings, realtime.spec.model, realtime.voice, choice.language, choice.speed
    )


async def _ask_openai(settings: Settings, realtime: Realtime) -> str | None:
    from agent.realtime.openai import check_realtime

    return await check_realtime(settings, realtime.spec.model)


def _moshi(settings: Settings, choice: Choice, realtime: Realtime) -> llm.RealtimeModel:
    from agent.realtime.moshi import moshi_realtime

    return moshi_realtime(realtime.spec.model, choice.language)


async def _ask_moshi(settings: Settings, realtime: Realtime) -> str | None:
    from agent.realtime.moshi import check_moshi

    return await check_moshi(realtime.spec.model)


REALTIME: dict[str, Factory] = {"openai": _openai, "moshi": _moshi}
ASKED: dict[str, Asker] = {"openai": _ask_openai, "moshi": _ask_moshi}
