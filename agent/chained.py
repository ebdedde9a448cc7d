"""Several engines a stage as one: which deadlines they have, and what is known of their faults."""

from __future__ import annotations

import os
from collections.abc import Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from livekit.agents import llm, stt, tts
from livekit.plugins.chains import (
    BreakerChanged,
    Breakers,
    BreakerState,
    BrokeOff,
    ChainEvent,
    ChainLLM,
    ChainSTT,
    ChainTTS,
    Continuing,
    FileStore,
    Hedged,
    Member,
    MemoryStore,
    Switched,
)

from agent import metrics
from agent.config import Settings
from agent.engine_spec import EngineSpec
from agent.local.models import LLAMA, is_url
from agent.local.tuning import Tuning
from agent.local.tuning import load as load_tuning
from agent.profiles import Choice, is_hosted

_VARIABLE = "PARLEY_BREAKERS"
_FILE = "breakers.json"

HOSTED_S = {"stt": 0.7, "llm": 0.7, "tts": 0.7}
LOCAL_S = {"stt": 2.0, "llm": 2.5, "tts": 6.0}
"""To the first result, token or byte; a busy processor needs longer than a
provider, and a voice that makes a clause whole its time for the longest one."""
ALONE_S = {"stt": 1.3, "llm": 5.0, "tts": 3.0}
"""Of a hosted engine with nobody behind it, or a server of one's own in its place: to ask it again helps
one that is stuck, and only makes a slow one slower."""
RECORDED_S = 3.0
"""Of a recogniser that takes recordings: it begins when the turn is over."""

_AMONG_OTHERS = 5
"""So many times as long as alone a local model's first token may take among other callers'."""
_LONGEST_LLM_S = 6.0
"""livekit gives a chain 10 s: the next one needs some of them."""

_CONTINUING = {
    "llama_cpp": Continuing.PREFILLED,
    "responder": Continuing.AFRESH,
    "simulated": Continuing.AFRESH,
}
"""How an answer is ended that another model began; by instruction where nothing is said."""

T = TypeVar("T")
Engines = Sequence[tuple[EngineSpec, T]]
OnFault = Callable[[str], None]
"""Told the stage of each fault of an engine that another one mends."""


def share_breakers(folder: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """A worker's calls share what they know of its engines' faults, in `folder`, from now on.

    A refused key is asked for again: who starts a worker anew has mended it.
    """
    path = folder / _FILE
    path.unlink(missing_ok=True)
    environment[_VARIABLE] = str(path)


class Chains:
    """Makes the chains of one call."""

    def __init__(
        self,
        hedge_s: float | None,
        *,
        voice_hedge_s: float | None = None,
        first_token_s: float = 0.0,
        speed: float = 1.0,
    ) -> None:
        """`hedge_s`, `voice_hedge_s`: of language models, of voices; None for never. `first_token_s`:
        what a local language model needs for it on this machine; 0 where nobody has measured it. Only a
        slow one gets another deadline. `speed`: of voices, by their own."""
        path = os.environ.get(_VARIABLE)
        self._breakers = Breakers(
            FileStore(Path(path)) if path else MemoryStore(), on_event=self.heard
        )
        self._hedge_s = hedge_s
        self._voice_hedge_s = voice_hedge_s
        self._voices: ChainTTS | None = None
        self._speed = speed
        llm_s = max(LOCAL_S["llm"], _AMONG_OTHERS * first_token_s)
        self._local_s = LOCAL_S | {"llm": min(llm_s, _LONGEST_LLM_S)}
        self._preferred: dict[str, str] = {}
        """By stage, where others follow."""
        self.patience_s: dict[str, float] = {}
        """By stage that is a chain: what all engines but the last try are given, one after the other."""
        self.on_fault: OnFault | None = None

    @classmethod
    def of(cls, settings: Settings, choice: Choice) -> Chains:
        """Those of the settings, with what `parley tune` has measured."""
        models = choice.listed["llm"]
        is_here = any(spec.name == LLAMA and not is_url(spec) for spec in models)
        tuning = load_tuning(settings.cache_dir) if is_here else Tuning()
        return cls(
            settings.agent_hedge_s,
            voice_hedge_s=settings.agent_voice_hedge_s,
            first_token_s=tuning.llama_first_s,
            speed=choice.speed,
        )

    def can_spare(self, stage: str) -> bool:
        return stage in self._preferred

    def spare(self, stage: str, *, is_spared: bool) -> None:
        """Whether the preferred engine of a stage is asked only when no other one can."""
        name = self._preferred[stage]
        if is_spared:
            self._breakers.spared.add(name)
        else:
            self._breakers.spared.discard(name)

    @property
    def can_hedge_voices(self) -> bool:
        return self._voices is not None and self._voice_hedge_s is not None

    def hedge_voices(self, *, is_hedged: bool) -> None:
        """Whether a second voice is asked when one is late, where that is set."""
        if self._voices is not None:
            self._voices.hedge_s = self._voice_hedge_s if is_hedged else None

    def stt(self, engines: Engines[stt.STT[Any]]) -> stt.STT[Any]:
        if not self._is_chain("stt", engines):
            return engines[0][1]
        return ChainSTT(self._members("stt", engines), breakers=self._breakers, on_event=self.heard)

    def llm(self, engines: Engines[llm.LLM[Any]]) -> llm.LLM[Any]:
        if not self._is_chain("llm", engines):
            return engines[0][1]
        return ChainLLM(
            self._members("llm", engines),
            self._breakers,
            hedge_s=self._hedge_s,
            continues={
                _name("llm", spec): _CONTINUING[spec.name]
                for spec, _ in engines
                if spec.name in _CONTINUING
            },
            on_event=self.heard,
        )

    def tts(self, engines: Engines[tts.TTS[Any]]) -> tts.TTS[Any]:
        if not self._is_chain("tts", engines):
            return engines[0][1]
        self._voices = ChainTTS(
            self._members("tts", engines),
            breakers=self._breakers,
            hedge_s=self._voice_hedge_s,
            speed=self._speed,
            on_event=self.heard,
        )
        return self._voices

    def heard(self, event: ChainEvent) -> None:
        match event:
            case Switched():
                metrics.SWITCHES.labels(event.stage, event.source, event.to or "none").inc()
                self._fault(event.stage)
            case BrokeOff():
                self._fault(event.stage)
            case Hedged():
                metrics.HEDGES.labels(event.stage, event.winner).inc()
                metrics.HEDGED_TOKENS.inc(event.wasted_tokens)
            case BreakerChanged():
                is_closed = event.state is BreakerState.CLOSED
                metrics.BREAKERS.labels(event.name).set(0 if is_closed else 1)

    def _fault(self, stage: str) -> None:
        if self.on_fault is not None:
            self.on_fault(stage)

    def _is_chain(self, stage: str, engines: Engines[T]) -> bool:
        """Whether there is somebody to ask when one fails: another engine, or a provider's again."""
        first = engines[0][0]
        if len(engines) > 1:
            self._preferred[stage] = _name(stage, first)
        return len(engines) > 1 or is_hosted(stage, first)

    def _members(self, stage: str, engines: Engines[T]) -> list[Member[T]]:
        hosted_s = HOSTED_S if len(engines) > 1 else ALONE_S
        members = [
            Member(
                _name(stage, spec),
                engine,
                RECORDED_S
                if isinstance(engine, stt.STT) and not engine.capabilities.streaming
                else (hosted_s if is_hosted(stage, spec) else self._local_s)[stage],
            )
            for spec, engine in engines
        ]
        waited_for = members[:-1] or members
        self.patience_s[stage] = sum(member.deadline_s for member in waited_for)
        return members


def _name(stage: str, spec: EngineSpec) -> str:
    """A provider's recogniser may fail while its voice does not."""
    return f"{stage}:{spec}"
