"""Builds a call's engines. One function an engine: add one here and in `profiles.KNOWN`."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import llm, stt, tts
from livekit.plugins.speechcore import EngineError

from agent.config import Settings
from agent.dispatch import CallOptions, SimulatedOptions
from agent.profiles import Choice, ProfileError, choose
from agent.speech import clause_tts
from agent.turns.words import WordsJudge

logger = logging.getLogger(__name__)


@dataclass
class Loaded:
    """Models a process has loaded before its call, by engine name."""

    models: dict[str, Any] = field(default_factory=dict)
    words: WordsJudge = field(default_factory=WordsJudge.load)


@dataclass
class Pipeline:
    """The three engines of one call. `aclose()` closes them all."""

    speaker: tts.TTS[Any]
    """The TTS engine itself."""
    stt: stt.STT[Any]
    llm: llm.LLM[Any]
    tts: tts.TTS[Any]
    """The engine as the session uses it: fed clause by clause."""

    async def aclose(self) -> None:
        for engine in (self.stt, self.llm, self.speaker, self.tts):
            try:
                await engine.aclose()
            except Exception:
                logger.exception("an engine did not close", extra={"engine": engine.label})


@dataclass(frozen=True)
class _Context:
    settings: Settings
    choice: Choice
    simulated: SimulatedOptions
    loaded: Loaded


def import_plugins(choice: Choice) -> None:
    """Imports the plugins a call needs; on the main thread, where livekit registers them."""
    for name in {choice.stt.name, choice.llm.name, choice.tts.name}:
        importlib.import_module(f"livekit.plugins.{name}")


def preload(choice: Choice, loaded: Loaded) -> None:
    """Loads what a call would otherwise wait for; blocking."""
    import_plugins(choice)
    if choice.stt.name == "pocketsphinx":
        from livekit.plugins.pocketsphinx import PocketsphinxEngine

        engine = PocketsphinxEngine()
        engine.load()
        loaded.models["pocketsphinx"] = engine


def build(settings: Settings, choice: Choice, call: CallOptions, loaded: Loaded) -> Pipeline:
    """The engines of one call; may block for tens of milliseconds.

    Raises ProfileError with a sentence when one cannot be had.
    """
    context = _Context(settings, choice, call.simulated or SimulatedOptions(), loaded)
    try:
        speaker = _TTS[choice.tts.name](context)
        return Pipeline(
            stt=_STT[choice.stt.name](context),
            llm=_LLM[choice.llm.name](context),
            tts=clause_tts(speaker, language=choice.language),
            speaker=speaker,
        )
    except (EngineError, ImportError, ValueError) as e:
        raise ProfileError(str(e)) from e


def check_engines(settings: Settings) -> None:
    """Builds the engines of the settings and closes them. Raises ProfileError."""
    choice = choose(settings)
    import_plugins(choice)
    pipeline = build(settings, choice, CallOptions(), Loaded())
    asyncio.run(pipeline.aclose())


def _pocketsphinx(context: _Context) -> stt.STT[Any]:
    from livekit.plugins import pocketsphinx

    return pocketsphinx.STT(
        engine=context.loaded.models.get("pocketsphinx"), language=context.choice.language
    )


def _responder(context: _Context) -> llm.LLM[Any]:
    from livekit.plugins import responder

    return responder.LLM(skills_path=context.settings.agent_skills)


def _espeak(context: _Context) -> tts.TTS[Any]:
    from livekit.plugins import espeak

    choice = context.choice
    language = None if choice.language == "en" else choice.language  # its default is en-us
    return espeak.TTS(voice=choice.voice or choice.tts.model or language)


def _simulated_stt(context: _Context) -> stt.STT[Any]:
    from livekit.plugins import simulated

    return simulated.STT(delay_s=simulated.parse_delay(context.choice.stt.model or "80ms"))


def _simulated_llm(context: _Context) -> llm.LLM[Any]:
    from livekit.plugins import simulated

    return simulated.LLM(delay_s=simulated.parse_delay(context.choice.llm.model or "150ms"))


def _simulated_tts(context: _Context) -> tts.TTS[Any]:
    from livekit.plugins import simulated

    return simulated.TTS(
        delay_s=simulated.parse_delay(context.choice.tts.model or "70ms"),
        reply_s=context.simulated.reply_s,
    )


_STT: dict[str, Callable[[_Context], stt.STT[Any]]] = {
    "pocketsphinx": _pocketsphinx,
    "simulated": _simulated_stt,
}
_LLM: dict[str, Callable[[_Context], llm.LLM[Any]]] = {
    "responder": _responder,
    "simulated": _simulated_llm,
}
_TTS: dict[str, Callable[[_Context], tts.TTS[Any]]] = {
    "espeak": _espeak,
    "simulated": _simulated_tts,
}
