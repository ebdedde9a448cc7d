"""Every plugin, and what the suite needs to know about it to try it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from livekit.agents import llm, stt, tts
from livekit.plugins import espeak, pocketsphinx, responder, simulated
from livekit.plugins.speechcore import EngineBusy, EngineError, Word
from livekit.plugins.speechio import EngineTTS

from tests.contract.stt_checks import Utterance
from tests.fakes.audio import speech_like
from tests.fakes.engines import FakeRecogniser, FakeSynthesiser
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


SOUND = Utterance(_made_speech, frozenset({"sound"}))
ANNOUNCED = Utterance(_made_speech, frozenset({"hello", "there"}), _announce)
SPOKEN = Utterance(_flite_speech, frozenset({"what", "time"}), understood_from_hz=16_000)


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
)
TTSS = (Case("simulated", simulated.TTS), Case("espeak", espeak.TTS))
LLMS = (Case("simulated", simulated.LLM), Case("responder", responder.LLM))


def engine_tts(**options: Any) -> tts.TTS[Any]:
    """The half that the plugins share, over an engine that does what the test wants."""
    return EngineTTS(FakeSynthesiser(**options), provider="fake")


def engine_stt(**options: Any) -> stt.STT[Any]:
    return pocketsphinx.STT(engine=FakeRecogniser(**options))


FAKE_TTS = Case("any engine", engine_tts)
FAKE_STT = SttCase("any engine", engine_stt, SOUND)

SLOW_TTSS = (
    Case("simulated", lambda: simulated.TTS(delay_s=5.0)),
    Case("any engine", lambda: engine_tts(step_s=1.0)),
)
SLOW_STTS = (
    SttCase("simulated", lambda: simulated.STT(delay_s=5.0), ANNOUNCED),
    SttCase("any engine", lambda: engine_stt(step_s=1.0), SOUND),
)
SLOW_LLMS = (Case("simulated", lambda: simulated.LLM(delay_s=5.0)),)


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


def is_real(engine: llm.LLM[Any] | stt.STT[Any] | tts.TTS[Any]) -> bool:
    return engine.provider != "fake"
