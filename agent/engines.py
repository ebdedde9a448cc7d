"""Builds a call's engines. One function an engine: add one here and in `profiles.KNOWN`."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from livekit.agents import llm, stt, tts
from livekit.plugins.speechcore import EngineError, PhraseCache, Voicing

from agent.config import Settings
from agent.dispatch import CallOptions, SimulatedOptions
from agent.local.addresses import LocalAddresses
from agent.local.models import locate
from agent.local.plan import LLAMA, SERVED
from agent.local.tuning import load as load_tuning
from agent.profiles import Choice, ProfileError, choose
from agent.speech import ClausePlanner, clause_tts
from agent.turns.words import WordsJudge
from agent.weights import store_of

if TYPE_CHECKING:
    from agent.local.call import LocalCall

logger = logging.getLogger(__name__)


_IMPORTED_LATE = {
    "llama_cpp": ("openai.resources.chat.completions", "openai.resources.models"),
    "openai": ("openai.resources.chat.completions", "openai.resources.models"),
}
"""What a library imports when it is first used, for a third of a second, in a call."""


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
    local: LocalCall | None = None
    """What local engines are reached by."""

    async def aclose(self) -> None:
        for engine in (self.stt, self.llm, self.speaker, self.tts):
            try:
                await engine.aclose()
            except Exception:
                logger.exception("an engine did not close", extra={"engine": engine.label})
        if self.local is not None:
            self.local.close()


@dataclass(frozen=True)
class _Context:
    settings: Settings
    choice: Choice
    simulated: SimulatedOptions
    loaded: Loaded
    local: LocalCall | None

    @property
    def servers(self) -> LocalCall:
        """For an engine that is local."""
        assert self.local is not None
        return self.local


def import_plugins(choice: Choice) -> None:
    """Imports the plugins a call needs; on the main thread, where livekit registers them."""
    for name in {choice.stt.name, choice.llm.name, choice.tts.name}:
        importlib.import_module(f"livekit.plugins.{name}")


def preload(choice: Choice, loaded: Loaded) -> None:
    """Loads what a call would otherwise wait for; blocking."""
    import_plugins(choice)
    for module in _IMPORTED_LATE.get(choice.llm.name, ()):
        importlib.import_module(module)
    if choice.stt.name == "pocketsphinx":
        from livekit.plugins.pocketsphinx import PocketsphinxEngine

        engine = PocketsphinxEngine()
        engine.load()
        loaded.models["pocketsphinx"] = engine


def build(settings: Settings, choice: Choice, call: CallOptions, loaded: Loaded) -> Pipeline:
    """The engines of one call; may block for tens of milliseconds.

    Raises ProfileError with a sentence when one cannot be had.
    """
    local = _local_call(settings, choice)
    context = _Context(settings, choice, call.simulated or SimulatedOptions(), loaded, local)
    try:
        speaker = _TTS[choice.tts.name](context)
        return Pipeline(
            stt=_STT[choice.stt.name](context),
            llm=_LLM[choice.llm.name](context),
            tts=clause_tts(speaker, language=choice.language, planner=_planner(settings, choice)),
            speaker=speaker,
            local=local,
        )
    except (EngineError, ImportError, ValueError) as e:
        raise ProfileError(str(e)) from e


def check_engines(settings: Settings) -> None:
    """Builds the engines of the settings and closes them. Raises ProfileError."""
    choice = choose(settings)
    import_plugins(choice)
    pipeline = build(settings, choice, CallOptions(), Loaded())
    asyncio.run(pipeline.aclose())


def _planner(settings: Settings, choice: Choice) -> ClausePlanner | None:
    """One that knows how fast the voice is on this machine, where `parley tune` measured it."""
    if choice.tts.name != "kokoro" or settings.agent_modelserver:
        return None
    return load_tuning(settings.cache_dir).planner()


def _local_call(settings: Settings, choice: Choice) -> LocalCall | None:
    if not {choice.stt.name, choice.llm.name, choice.tts.name} & {*SERVED, LLAMA}:
        return None
    from agent.local.call import LocalCall

    return LocalCall(settings, LocalAddresses.published())


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


def _faster_whisper(context: _Context) -> stt.STT[Any]:
    from livekit.plugins import faster_whisper

    choice = context.choice
    language = None if choice.language == "auto" else choice.language
    return faster_whisper.STT(
        engine=context.servers.recogniser(choice.stt, sample_rate_hz=16_000),
        options=faster_whisper.WhisperOptions(language=language),
    )


def _moonshine(context: _Context) -> stt.STT[Any]:
    from livekit.plugins.speechio import EngineSTT

    choice = context.choice
    return EngineSTT(
        context.servers.recogniser(choice.stt, sample_rate_hz=16_000),
        provider="moonshine",
        language=choice.language,
        owns_engine=False,
        aligned=False,
    )


def _llama_cpp(context: _Context) -> llm.LLM[Any]:
    from livekit.plugins import llama_cpp

    spec = context.choice.llm
    return llama_cpp.LLM(
        context.servers.llama_url(spec), model=str(spec), slot=context.servers.llama_slot(spec)
    )


def _kokoro(context: _Context) -> tts.TTS[Any]:
    from livekit.plugins import kokoro

    return kokoro.TTS(
        engine=context.servers.synthesiser(context.choice.tts, sample_rate_hz=24_000),
        voicing=_voicing(context.choice),
        cache=PhraseCache(max_bytes=0),  # the model server has one for all calls
    )


def _piper(context: _Context) -> tts.TTS[Any]:
    from livekit.plugins.piper.engine import VOICE_FILE, read_description
    from livekit.plugins.speechio import EngineTTS

    spec = context.choice.tts
    folder = locate(spec, store_of(context.settings)).path
    voice = read_description(folder / f"{VOICE_FILE}.json", f"run `parley download {spec}`")
    return EngineTTS(
        context.servers.synthesiser(spec, sample_rate_hz=voice.sample_rate_hz),
        provider="piper",
        voicing=_voicing(context.choice),
        owns_engine=False,
    )


def _openai_speech(context: _Context) -> tts.TTS[Any]:
    from livekit.plugins import openai_speech

    url = context.choice.tts.model
    if not url:
        raise ValueError("AGENT_TTS: write the server's address, openai_speech:http://host:port/v1")
    options = openai_speech.ServerOptions(
        url=url, api_key=context.settings.speech_server_key or None
    )
    return openai_speech.TTS(options, voicing=_voicing(context.choice))


def _deepgram(context: _Context) -> stt.STT[Any]:
    from agent.hosted.deepgram import deepgram_stt

    return deepgram_stt(context.settings, context.choice.stt, context.choice.language)


def _openai_stt(context: _Context) -> stt.STT[Any]:
    from agent.hosted.openai import openai_stt

    return openai_stt(context.settings, context.choice.stt, context.choice.language)


def _openai_llm(context: _Context) -> llm.LLM[Any]:
    from agent.hosted.openai import openai_llm

    return openai_llm(context.settings, context.choice.llm)


def _openai_tts(context: _Context) -> tts.TTS[Any]:
    from agent.hosted.openai import openai_tts

    return openai_tts(context.settings, context.choice.tts, context.choice.voice)


def _elevenlabs(context: _Context) -> tts.TTS[Any]:
    from agent.hosted.elevenlabs import elevenlabs_tts

    choice = context.choice
    return elevenlabs_tts(context.settings, choice.tts, choice.language, choice.voice)


def _voicing(choice: Choice) -> Voicing:
    return Voicing(voice=choice.voice, language=choice.language)


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
    "faster_whisper": _faster_whisper,
    "moonshine": _moonshine,
    "deepgram": _deepgram,
    "openai": _openai_stt,
    "simulated": _simulated_stt,
}
_LLM: dict[str, Callable[[_Context], llm.LLM[Any]]] = {
    "responder": _responder,
    "llama_cpp": _llama_cpp,
    "openai": _openai_llm,
    "simulated": _simulated_llm,
}
_TTS: dict[str, Callable[[_Context], tts.TTS[Any]]] = {
    "espeak": _espeak,
    "kokoro": _kokoro,
    "piper": _piper,
    "openai_speech": _openai_speech,
    "openai": _openai_tts,
    "elevenlabs": _elevenlabs,
    "simulated": _simulated_tts,
}
