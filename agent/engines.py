"""Builds a call's engines. One function an engine: add one here and in `profiles.KNOWN`."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from livekit.agents import llm, stt, tts
from livekit.agents.llm import RealtimeModel
from livekit.plugins.speechcore import EngineError, PhraseCache, Voicing

from agent.chained import Chains, Engines
from agent.config import Settings, plain
from agent.dispatch import CallOptions, SimulatedOptions
from agent.engine_spec import EngineSpec
from agent.local.addresses import LocalAddresses
from agent.local.models import LLAMA, is_url, locate
from agent.local.plan import SERVED
from agent.local.tuning import load as load_tuning
from agent.profiles import Choice, ProfileError, choose
from agent.realtime.models import make_realtime
from agent.speech import ClausePlanner, ClauseTTS, clause_tts
from agent.turns.words import WordsJudge
from agent.weights import WeightsError, store_of

if TYPE_CHECKING:
    from livekit.plugins.kyutai import ServerOptions as KyutaiServer

    from agent.local.call import LocalCall

logger = logging.getLogger(__name__)

T = TypeVar("T")
AnyEngine = stt.STT[Any] | llm.LLM[Any] | tts.TTS[Any]

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
    """The three engines of one call, each perhaps a chain of several. `aclose()` closes them all."""

    speaker: tts.TTS[Any]
    """The TTS engine itself."""
    stt: stt.STT[Any]
    llm: llm.LLM[Any]
    tts: tts.TTS[Any]
    """The engine as the session uses it: fed clause by clause."""
    chains: Chains
    members: tuple[AnyEngine, ...]
    """The engines that the above are made of."""
    local: LocalCall | None = None
    """What local engines are reached by."""
    realtime: RealtimeModel | None = None
    """What has the call until it fails; the above take over then."""

    @property
    def planner(self) -> ClausePlanner | None:
        """Of the clauses, where the voice is fed by them."""
        return self.tts.planner if isinstance(self.tts, ClauseTTS) else None

    async def aclose(self) -> None:
        chains: tuple[AnyEngine, ...] = (self.stt, self.llm, self.speaker, self.tts)
        for engine in dict.fromkeys((*chains, *self.members)):
            try:
                await engine.aclose()
            except Exception:
                logger.exception("an engine did not close", extra={"engine": engine.label})
        if self.realtime is not None:
            await self.realtime.aclose()
        if self.local is not None:
            self.local.close()


@dataclass(frozen=True)
class _Context:
    settings: Settings
    choice: Choice
    simulated: SimulatedOptions
    loaded: Loaded
    local: LocalCall | None
    spec: EngineSpec
    """The engine to be made."""

    @property
    def voice(self) -> str | None:
        """Its names are the preferred engine's own: the others speak as they do."""
        return self.choice.voice if self.spec == self.choice.tts else None

    @property
    def language(self) -> str | None:
        """Of the call; None where the recogniser is to find it out, and voices speak their own."""
        return None if self.choice.language == "auto" else self.choice.language

    @property
    def voicing(self) -> Voicing:
        return Voicing(voice=self.voice, language=self.language)

    @property
    def servers(self) -> LocalCall:
        """For an engine that is local."""
        assert self.local is not None
        return self.local


def import_plugins(choice: Choice) -> None:
    """Imports the plugins a call needs; on the main thread, where livekit registers them."""
    realtime = [choice.realtime.spec] if choice.realtime else []
    for name in {spec.name for spec in (*choice.all, *realtime)}:
        importlib.import_module(f"livekit.plugins.{name}")


def preload(choice: Choice, loaded: Loaded) -> None:
    """Loads what a call would otherwise wait for; blocking."""
    import_plugins(choice)
    for spec in choice.listed["llm"]:
        for module in _IMPORTED_LATE.get(spec.name, ()):
            importlib.import_module(module)
    if "pocketsphinx" in {spec.name for spec in choice.listed["stt"]}:
        from livekit.plugins.pocketsphinx import PocketsphinxEngine

        engine = PocketsphinxEngine()
        engine.load()
        loaded.models["pocketsphinx"] = engine


def build(settings: Settings, choice: Choice, call: CallOptions, loaded: Loaded) -> Pipeline:
    """The engines of one call; may block for tens of milliseconds.

    Raises ProfileError with a sentence when one cannot be had.
    """
    local = _local_call(settings, choice)
    simulated = call.simulated or SimulatedOptions()

    def made(stage: str, makers: Mapping[str, Callable[[_Context], T]]) -> Engines[T]:
        return [
            (spec, makers[spec.name](_Context(settings, choice, simulated, loaded, local, spec)))
            for spec in choice.listed[stage]
        ]

    chains = Chains.of(settings, choice)
    try:
        stts, llms, voices = made("stt", _STT), made("llm", _LLM), made("tts", _TTS)
        realtime = make_realtime(settings, choice)
    except (EngineError, ImportError, ValueError, WeightsError) as e:
        raise ProfileError(str(e)) from e
    speaker = chains.tts(voices)
    members: list[AnyEngine] = [engine for _, engine in stts]
    members += [engine for _, engine in llms]
    members += [engine for _, engine in voices]
    return Pipeline(
        stt=chains.stt(stts),
        llm=chains.llm(llms),
        tts=clause_tts(speaker, language=choice.language, planner=_planner(settings, choice)),
        speaker=speaker,
        chains=chains,
        members=tuple(members),
        local=local,
        realtime=realtime,
    )


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
    if not {spec.name for spec in choice.all} & {*SERVED, LLAMA}:
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

    language = None if context.language == "en" else context.language  # its default is en-us
    return espeak.TTS(voice=context.voice or context.spec.model or language)


def _faster_whisper(context: _Context) -> stt.STT[Any]:
    from livekit.plugins import faster_whisper

    return faster_whisper.STT(
        engine=context.servers.recogniser(context.spec, sample_rate_hz=16_000),
        options=faster_whisper.WhisperOptions(language=context.language),
    )


def _moonshine(context: _Context) -> stt.STT[Any]:
    from livekit.plugins import moonshine

    engine = context.servers.recogniser(context.spec, sample_rate_hz=16_000)
    return moonshine.STT(engine, language=context.language, owns_engine=False)


def _llama_cpp(context: _Context) -> llm.LLM[Any]:
    from livekit.plugins import llama_cpp

    spec = context.spec
    key = plain(context.settings.agent_llm_server_key) if is_url(spec) else ""
    return llama_cpp.LLM(
        context.servers.llama_url(spec),
        model=str(spec),
        slot=context.servers.llama_slot(spec),
        api_key=key or "none",
    )


def _kokoro(context: _Context) -> tts.TTS[Any]:
    from livekit.plugins import kokoro

    return kokoro.TTS(
        engine=context.servers.synthesiser(context.spec, sample_rate_hz=24_000),
        voicing=context.voicing,
        cache=PhraseCache(max_bytes=0),  # the model server has one for all calls
    )


def _piper(context: _Context) -> tts.TTS[Any]:
    from livekit.plugins.piper.engine import VOICE_FILE, read_description
    from livekit.plugins.speechio import EngineTTS

    spec = context.spec
    folder = locate(spec, store_of(context.settings)).path
    voice = read_description(folder / f"{VOICE_FILE}.json", f"run `parley download {spec}`")
    return EngineTTS(
        context.servers.synthesiser(spec, sample_rate_hz=voice.sample_rate_hz),
        provider="piper",
        voicing=context.voicing,
        owns_engine=False,
    )


def _openai_speech(context: _Context) -> tts.TTS[Any]:
    from livekit.plugins import openai_speech

    url = context.spec.model
    if not url:
        raise ValueError("AGENT_TTS: write the server's address, openai_speech:http://host:port/v1")
    options = openai_speech.ServerOptions(
        url=url, api_key=context.settings.speech_server_key or None
    )
    return openai_speech.TTS(options, voicing=context.voicing)


def _llmvox(context: _Context) -> tts.TTS[Any]:
    from livekit.plugins import llmvox

    url = context.spec.model
    if not url:
        raise ValueError("AGENT_TTS: write the server's address, llmvox:http://host:port")
    return llmvox.TTS(url, voicing=context.voicing)


def _kyutai_stt(context: _Context) -> stt.STT[Any]:
    from livekit.plugins import kyutai

    language = context.choice.language
    return kyutai.STT(
        _kyutai_server(context, "AGENT_STT"), language="en" if language == "auto" else language
    )


def _kyutai_tts(context: _Context) -> tts.TTS[Any]:
    from livekit.plugins import kyutai

    return kyutai.TTS(_kyutai_server(context, "AGENT_TTS"), voice=context.voice)


def _kyutai_server(context: _Context, variable: str) -> KyutaiServer:
    from livekit.plugins import kyutai

    if not context.spec.model:
        raise ValueError(f"{variable}: write the server's address, kyutai:ws://host:port")
    key = plain(context.settings.kyutai_api_key)
    return kyutai.parse_address(context.spec.model, api_key=key)


def _deepgram(context: _Context) -> stt.STT[Any]:
    from agent.hosted.deepgram import deepgram_stt

    return deepgram_stt(context.settings, context.spec, context.choice.language)


def _openai_stt(context: _Context) -> stt.STT[Any]:
    from agent.hosted.openai import openai_stt

    return openai_stt(context.settings, context.spec, context.choice.language)


def _openai_llm(context: _Context) -> llm.LLM[Any]:
    from agent.hosted.openai import openai_llm

    return openai_llm(context.settings, context.spec)


def _openai_tts(context: _Context) -> tts.TTS[Any]:
    from agent.hosted.openai import openai_tts

    return openai_tts(context.settings, context.spec, context.voice)


def _elevenlabs(context: _Context) -> tts.TTS[Any]:
    from agent.hosted.elevenlabs import elevenlabs_tts

    return elevenlabs_tts(context.settings, context.spec, context.choice.language, context.voice)


def _simulated_stt(context: _Context) -> stt.STT[Any]:
    from livekit.plugins import simulated

    return simulated.STT(delay_s=simulated.parse_delay(context.spec.model or "80ms"))


def _simulated_llm(context: _Context) -> llm.LLM[Any]:
    from livekit.plugins import simulated

    return simulated.LLM(delay_s=simulated.parse_delay(context.spec.model or "150ms"))


def _simulated_tts(context: _Context) -> tts.TTS[Any]:
    from livekit.plugins import simulated

    return simulated.TTS(
        delay_s=simulated.parse_delay(context.spec.model or "70ms"),
        reply_s=context.simulated.reply_s,
    )


_STT: dict[str, Callable[[_Context], stt.STT[Any]]] = {
    "pocketsphinx": _pocketsphinx,
    "faster_whisper": _faster_whisper,
    "moonshine": _moonshine,
    "kyutai": _kyutai_stt,
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
    "kyutai": _kyutai_tts,
    "openai_speech": _openai_speech,
    "llmvox": _llmvox,
    "openai": _openai_tts,
    "elevenlabs": _elevenlabs,
    "simulated": _simulated_tts,
}
