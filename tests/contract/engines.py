"""Every plugin, and what the suite needs to know about it to try it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from livekit.agents import APIConnectionError, llm, stt, tts
from livekit.plugins import (
    espeak,
    faster_whisper,
    kokoro,
    moonshine,
    pocketsphinx,
    responder,
    simulated,
)
from livekit.plugins.chains import ChainLLM, ChainTTS, Member
from livekit.plugins.speechcore import EngineBusy, EngineError, Word
from livekit.plugins.speechcore.text import normaliser

from agent.speech import ClauseTTS
from tests.contract.stt_checks import Utterance
from tests.fakes.audio import speech_like
from tests.fakes.chains import OwningChainSTT
from tests.fakes.engines import FakeRecogniser, FakeSynthesiser, fake_tts
from tests.fakes.kyutai_engines import ServedKyutaiSTT, ServedKyutaiTTS
from tests.fakes.llama_http import fake_llama, spoken
from tests.fakes.model_server import ServedSTT, ServedTTS
from tests.fakes.providers.coded_speech import say
from tests.fakes.providers.faults import Fault, Kind
from tests.fakes.scripted_llm import ScriptedLLM
from tests.models.hum_kokoro import hum_kokoro
from tests.models.random_whisper import scripted_whisper
from tests.models.tiny_moonshine import tiny_moonshine
from tests.stack.caller import RATE_HZ, resample
from tests.stack.speech import speech

_HELLO = (Word("hello", 0.0, 0.4), Word("there", 0.4, 0.9))
_SPANS = ((0.0, 0.4), (0.45, 0.9))


def _made_speech(rate_hz: int) -> bytes:
    return speech_like(1.0, _SPANS, rate_hz)


@cache
def _flite_speech(rate_hz: int) -> bytes:
    pcm: bytes = resample(speech("what time is it now"), RATE_HZ, rate_hz).tobytes()
    return pcm


def _announce(engine: stt.STT[Any]) -> None:
    assert isinstance(engine, simulated.STT)
    engine.expect_words(_HELLO)


def _whisper() -> stt.STT[Any]:
    """The real library and a model that says one sentence for everything it takes for speech."""
    folder = scripted_whisper("what time is it now")
    options = faster_whisper.WhisperOptions(model=str(folder), device="cpu", cpu_threads=1)
    return faster_whisper.STT(options=options)


def _moonshine() -> stt.STT[Any]:
    """The real library and a model that counts while somebody speaks."""
    return moonshine.STT(moonshine.MoonshineEngine(tiny_moonshine(), model="tiny"))


SOUND = Utterance(_made_speech, frozenset({"sound"}))
ANNOUNCED = Utterance(_made_speech, frozenset({"hello", "there"}), _announce)
SCRIPTED = Utterance(_made_speech, frozenset({"what", "time"}))
COUNTED = Utterance(_flite_speech, frozenset({"one", "two"}))
SPOKEN = Utterance(_flite_speech, frozenset({"what", "time"}), understood_from_hz=16_000)
CODED = Utterance(lambda rate_hz: say("what time is it", rate_hz), frozenset({"what", "time"}))
# A server that says that it is ready, and nothing more.
MUTE = Fault(kind=Kind.STALL, after=1)


@dataclass(frozen=True)
class SttCase:
    name: str
    make: Callable[[], stt.STT[Any]]
    utterance: Utterance


@dataclass(frozen=True)
class Case:
    """`make` makes an engine that was never used."""

    name: str
    make: Callable[[], Any]


STTS = (
    SttCase("simulated", simulated.STT, ANNOUNCED),
    SttCase("pocketsphinx", pocketsphinx.STT, SPOKEN),
    SttCase("faster_whisper", _whisper, SCRIPTED),
    SttCase("moonshine", _moonshine, COUNTED),
)
TTSS = (
    Case("simulated", simulated.TTS),
    Case("espeak", espeak.TTS),
    Case("kokoro", lambda: kokoro.TTS(kokoro.OnnxBackend(hum_kokoro()))),
)


def chained_llm(*engines: llm.LLM[Any]) -> llm.LLM[Any]:
    return ChainLLM([Member(f"member {at}", one, 10.0) for at, one in enumerate(engines)])


def _dead_llm() -> llm.LLM[Any]:
    return ScriptedLLM([APIConnectionError("dead")])


LLMS = (
    Case("simulated", simulated.LLM),
    Case("responder", responder.LLM),
    Case("llama_cpp", fake_llama),
    Case("a chain", lambda: chained_llm(simulated.LLM(), simulated.LLM())),
    Case("a chain whose first is broken", lambda: chained_llm(_dead_llm(), simulated.LLM())),
)


def engine_tts(**options: Any) -> tts.TTS[Any]:
    """The half that the plugins share, over an engine that does what the test wants."""
    return fake_tts(FakeSynthesiser(**options))


class OwningClauseTTS(ClauseTTS):
    """Closes its engine, so that the suite need not know there are two."""

    def __init__(self, engine: tts.TTS[Any]) -> None:
        super().__init__(engine, normalise=normaliser("en"))
        self._owned = engine

    async def aclose(self) -> None:
        await super().aclose()
        await self._owned.aclose()


def engine_stt(**options: Any) -> stt.STT[Any]:
    return pocketsphinx.STT(engine=FakeRecogniser(**options))


def _broken() -> stt.STT[Any]:
    return engine_stt(errors=[EngineError("the model file is broken") for _ in range(1000)])


def served_stt(**options: Any) -> stt.STT[Any]:
    """As `engine_stt`, by way of a model server."""
    return ServedSTT(FakeRecogniser(**options))


def served_tts(**options: Any) -> tts.TTS[Any]:
    """As `engine_tts`, by way of a model server."""
    return ServedTTS(FakeSynthesiser(**options))


def clause_engine_tts(**options: Any) -> tts.TTS[Any]:
    return OwningClauseTTS(engine_tts(**options))


class OwningChainTTS(ChainTTS):
    """Closes its members, so that the suite need not know of them."""

    def __init__(self, *voices: tts.TTS[Any]) -> None:
        super().__init__([Member(f"voice-{i}", voice, 5.0) for i, voice in enumerate(voices)])
        self._owned = voices

    async def aclose(self) -> None:
        await super().aclose()
        for voice in self._owned:
            await voice.aclose()


def chain_tts(**options: Any) -> tts.TTS[Any]:
    return OwningChainTTS(engine_tts(**options), engine_tts(**options))


def broken_chain_tts() -> tts.TTS[Any]:
    """Its first voice never works."""
    errors: list[Exception] = [EngineError("it is broken") for _ in range(1000)]
    return OwningChainTTS(engine_tts(errors=errors), engine_tts())


CHAIN_TTSS = (
    Case("a chain", chain_tts),
    Case("a chain with a broken member", broken_chain_tts),
)
FAKE_TTS = Case("any engine", engine_tts)
CLAUSE_TTSS = (
    Case("any engine by clauses", clause_engine_tts),
    Case("espeak by clauses", lambda: OwningClauseTTS(espeak.TTS())),
)
FAKE_STT = SttCase("any engine", engine_stt, SOUND)
CHAINED_STTS = (
    SttCase("a chain", lambda: OwningChainSTT(engine_stt(), engine_stt()), SOUND),
    SttCase(
        "a chain whose first is broken", lambda: OwningChainSTT(_broken(), engine_stt()), SOUND
    ),
)
SERVED_STT = SttCase("any engine of a model server", served_stt, SOUND)
SERVED_TTS = Case("any engine of a model server", served_tts)
KYUTAI_STT = SttCase("kyutai", ServedKyutaiSTT, CODED)
KYUTAI_TTS = Case("kyutai", ServedKyutaiTTS)

SLOW_TTSS = (
    Case("simulated", lambda: simulated.TTS(delay_s=5.0)),
    Case("any engine", lambda: engine_tts(step_s=1.0)),
    Case("any engine of a model server", lambda: served_tts(step_s=1.0)),
    Case("kyutai", lambda: ServedKyutaiTTS(MUTE)),
    Case("any engine by clauses", lambda: clause_engine_tts(step_s=1.0)),
    Case("a chain", lambda: chain_tts(step_s=1.0)),
)
SLOW_STTS = (
    SttCase("simulated", lambda: simulated.STT(delay_s=5.0), ANNOUNCED),
    SttCase("any engine", lambda: engine_stt(step_s=1.0), SOUND),
    SttCase("any engine of a model server", lambda: served_stt(step_s=1.0), SOUND),
    SttCase("kyutai", lambda: ServedKyutaiSTT(MUTE), CODED),
    SttCase(
        "a chain",
        lambda: OwningChainSTT(engine_stt(step_s=1.0), engine_stt(step_s=1.0)),
        SOUND,
    ),
)
SLOW_LLMS = (
    Case("simulated", lambda: simulated.LLM(delay_s=5.0)),
    Case("llama_cpp", lambda: fake_llama(spoken("Late.", delay_s=5.0))),
    Case("a chain", lambda: chained_llm(simulated.LLM(delay_s=5.0), simulated.LLM(delay_s=5.0))),
)


@dataclass(frozen=True)
class Failure:
    name: str
    error: Exception
    is_retried: bool = field(default=True)


FAILURES = (
    Failure("its own error", EngineError("the model file is broken: download it again")),
    Failure("a foreign error", RuntimeError("onnx says no")),
    Failure("too many callers", EngineBusy("every worker is taken"), is_retried=False),
)
