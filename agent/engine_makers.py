"""How each engine is made. One function an engine: add one here and in `profiles.KNOWN`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit.agents import llm, stt, tts
from livekit.plugins.speechcore import PhraseCache, Voicing

from agent.config import Settings, plain
from agent.dispatch import CallOptions, SimulatedOptions
from agent.engine_spec import EngineSpec
from agent.local.models import is_url, locate
from agent.profiles import Choice
from agent.weights import store_of

if TYPE_CHECKING:
    from livekit.plugins.kyutai import ServerOptions as KyutaiServer

    from agent.local.call import LocalCall


def voicing_of(choice: Choice, spec: EngineSpec) -> Voicing:
    """How an engine of a call is to speak. A voice's name is the preferred engine's own: the others
    speak as they do."""
    return Voicing(
        voice=choice.voice if spec == choice.tts else None,
        language=None if choice.language == "auto" else choice.language,
        speed=choice.speed,
    )


def espeak_voice(choice: Choice, spec: EngineSpec) -> str | None:
    """None for its own choice, which is en-us."""
    how = voicing_of(choice, spec)
    return how.voice or spec.model or (None if how.language == "en" else how.language)


@dataclass(frozen=True)
class Context:
    """What an engine of a call is made from."""

    settings: Settings
    choice: Choice
    call: CallOptions
    loaded: Mapping[str, Any]
    """Models that the process has loaded before the call, by engine name."""
    local: LocalCall | None
    spec: EngineSpec
    """The engine to be made."""

    @property
    def voice(self) -> str | None:
        return self.voicing.voice

    @property
    def language(self) -> str | None:
        """Of the call; None where the recogniser is to find it out, and voices speak their own."""
        return self.voicing.language

    @property
    def voicing(self) -> Voicing:
        return voicing_of(self.choice, self.spec)

    @property
    def servers(self) -> LocalCall:
        """For an engine that is local."""
        assert self.local is not None
        return self.local

    def address(self, variable: str, example: str) -> str:
        """Of a server that the setting names in the place of a model. Raises ValueError."""
        if not self.spec.model:
            raise ValueError(f"{variable}: write the server's address, {self.spec.name}:{example}")
        return self.spec.model


def _pocketsphinx(context: Context) -> stt.STT[Any]:
    from livekit.plugins import pocketsphinx

    return pocketsphinx.STT(
        engine=context.loaded.get("pocketsphinx"), language=context.choice.language
    )


def _responder(context: Context) -> llm.LLM[Any]:
    from livekit.plugins import responder

    return responder.LLM(skills_path=context.settings.agent_skills)


def _espeak(context: Context) -> tts.TTS[Any]:
    from livekit.plugins import espeak

    return espeak.TTS(voice=espeak_voice(context.choice, context.spec), speed=context.choice.speed)


def _faster_whisper(context: Context) -> stt.STT[Any]:
    from livekit.plugins import faster_whisper

    return faster_whisper.STT(
        engine=context.servers.recogniser(context.spec, sample_rate_hz=16_000),
        options=faster_whisper.WhisperOptions(language=context.language),
    )


def _moonshine(context: Context) -> stt.STT[Any]:
    from livekit.plugins import moonshine

    engine = context.servers.recogniser(context.spec, sample_rate_hz=16_000)
    return moonshine.STT(engine, language=context.language, owns_engine=False)


def _llama_cpp(context: Context) -> llm.LLM[Any]:
    from livekit.plugins import llama_cpp

    spec = context.spec
    key = plain(context.settings.agent_llm_server_key) if is_url(spec) else ""
    return llama_cpp.LLM(
        context.servers.llama_url(spec),
        model=str(spec),
        slot=context.servers.llama_slot(spec),
        api_key=key or "none",
    )


def _kokoro(context: Context) -> tts.TTS[Any]:
    from livekit.plugins import kokoro

    return kokoro.TTS(
        engine=context.servers.synthesiser(context.spec, sample_rate_hz=24_000),
        voicing=context.voicing,
        cache=PhraseCache(max_bytes=0),  # the model server has one for all calls
    )


def _piper(context: Context) -> tts.TTS[Any]:
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


def _openai_speech(context: Context) -> tts.TTS[Any]:
    from livekit.plugins import openai_speech

    address = context.address("AGENT_TTS", "http://host:port/v1")
    options = openai_speech.parse_address(
        address, api_key=context.settings.speech_server_key or None
    )
    return openai_speech.TTS(options, voicing=context.voicing)


def _llmvox(context: Context) -> tts.TTS[Any]:
    from livekit.plugins import llmvox

    return llmvox.TTS(context.address("AGENT_TTS", "http://host:port"), voicing=context.voicing)


def _kyutai_stt(context: Context) -> stt.STT[Any]:
    from livekit.plugins import kyutai

    language = context.choice.language
    return kyutai.STT(
        _kyutai_server(context, "AGENT_STT"), language="en" if language == "auto" else language
    )


def _kyutai_tts(context: Context) -> tts.TTS[Any]:
    from livekit.plugins import kyutai

    return kyutai.TTS(_kyutai_server(context, "AGENT_TTS"), voice=context.voice)


def _kyutai_server(context: Context, variable: str) -> KyutaiServer:
    from livekit.plugins import kyutai

    address = context.address(variable, "ws://host:port")
    return kyutai.parse_address(address, api_key=plain(context.settings.kyutai_api_key))


def _deepgram(context: Context) -> stt.STT[Any]:
    from agent.hosted.deepgram import deepgram_stt

    return deepgram_stt(context.settings, context.spec, context.choice.language)


def _openai_stt(context: Context) -> stt.STT[Any]:
    from agent.hosted.openai import openai_stt

    return openai_stt(context.settings, context.spec, context.choice.language)


def _openai_llm(context: Context) -> llm.LLM[Any]:
    from agent.hosted.openai import openai_llm

    return openai_llm(context.settings, context.spec)


def _openai_tts(context: Context) -> tts.TTS[Any]:
    from agent.hosted.openai import openai_tts

    return openai_tts(context.settings, context.spec, context.voice, context.choice.speed)


def _elevenlabs(context: Context) -> tts.TTS[Any]:
    from agent.hosted.elevenlabs import elevenlabs_tts

    choice = context.choice
    return elevenlabs_tts(
        context.settings, context.spec, choice.language, context.voice, choice.speed
    )


def _simulated_stt(context: Context) -> stt.STT[Any]:
    from livekit.plugins import simulated

    return simulated.STT(delay_s=simulated.parse_delay(context.spec.model or "80ms"))


def _simulated_llm(context: Context) -> llm.LLM[Any]:
    from livekit.plugins import simulated

    return simulated.LLM(delay_s=simulated.parse_delay(context.spec.model or "150ms"))


def _simulated_tts(context: Context) -> tts.TTS[Any]:
    from livekit.plugins import simulated

    return simulated.TTS(
        delay_s=simulated.parse_delay(context.spec.model or "70ms"),
        reply_s=(context.call.simulated or SimulatedOptions()).reply_s,
    )


STT: dict[str, Callable[[Context], stt.STT[Any]]] = {
    "pocketsphinx": _pocketsphinx,
    "faster_whisper": _faster_whisper,
    "moonshine": _moonshine,
    "kyutai": _kyutai_stt,
    "deepgram": _deepgram,
    "openai": _openai_stt,
    "simulated": _simulated_stt,
}
LLM: dict[str, Callable[[Context], llm.LLM[Any]]] = {
    "responder": _responder,
    "llama_cpp": _llama_cpp,
    "openai": _openai_llm,
    "simulated": _simulated_llm,
}
TTS: dict[str, Callable[[Context], tts.TTS[Any]]] = {
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
