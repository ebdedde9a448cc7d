"""Builds a call's engines."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from livekit.agents import llm, stt, tts
from livekit.agents.llm import RealtimeModel
from livekit.plugins.speechcore import EngineError

from agent.chained import Chains, Engines
from agent.config import Settings
from agent.dispatch import CallOptions
from agent.engine_makers import LLM, STT, TTS, Context, espeak_voice
from agent.local.addresses import LocalAddresses
from agent.local.models import LLAMA
from agent.local.plan import SERVED
from agent.local.tuning import load as load_tuning
from agent.profiles import Choice, ProfileError, choose
from agent.realtime.models import make_realtime
from agent.speech import ClausePlanner, ClauseTTS, clause_tts
from agent.turns.words import WordsJudge
from agent.weights import WeightsError

if TYPE_CHECKING:
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
    if "responder" in {spec.name for spec in choice.listed["llm"]}:
        from livekit.plugins import responder

        responder.load_skills()
    for spec in choice.listed["tts"]:
        if spec.name == "espeak":
            _preload_espeak(espeak_voice(choice, spec))


def _preload_espeak(voice: str | None) -> None:
    """The library, the language's dictionary, and how loud the voice is."""
    from livekit.plugins import espeak

    with contextlib.suppress(EngineError):  # a voice that is not there is told by who speaks
        espeak.Espeak(espeak.EspeakOptions(voice=voice) if voice else None)


def build(settings: Settings, choice: Choice, call: CallOptions, loaded: Loaded) -> Pipeline:
    """The engines of one call; may block for tens of milliseconds.

    Raises ProfileError with a sentence when one cannot be had.
    """
    local = _local_call(settings, choice)

    def made(stage: str, makers: Mapping[str, Callable[[Context], T]]) -> Engines[T]:
        return [
            (spec, makers[spec.name](Context(settings, choice, call, loaded.models, local, spec)))
            for spec in choice.listed[stage]
        ]

    chains = Chains.of(settings, choice)
    try:
        stts, llms, voices = made("stt", STT), made("llm", LLM), made("tts", TTS)
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


def _planner(settings: Settings, choice: Choice) -> ClausePlanner:
    """One that knows how fast the voice speaks, and how fast it is made on this machine, where
    `parley tune` measured that."""
    is_here = choice.tts.name == "kokoro" and not settings.agent_modelserver
    planner = load_tuning(settings.cache_dir).planner() if is_here else None
    planner = planner or ClausePlanner()
    planner.chars_per_s *= choice.speed
    return planner


def _local_call(settings: Settings, choice: Choice) -> LocalCall | None:
    if not {spec.name for spec in choice.all} & {*SERVED, LLAMA}:
        return None
    from agent.local.call import LocalCall

    return LocalCall(settings, LocalAddresses.published())
