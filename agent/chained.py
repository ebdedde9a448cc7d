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
from agent.engine_spec import EngineSpec
from agent.profiles import is_hosted

_VARIABLE = "PARLEY_BREAKERS"
_FILE = "breakers.json"

HOSTED_S = {"stt": 0.7, "llm": 0.7, "tts": 0.7}
LOCAL_S = {"stt": 2.0, "llm": 2.5, "tts": 6.0}
"""To the first result, token or byte; a busy processor needs longer than a
provider, and a voice that makes a clause whole its time for the longest one."""

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

    def __init__(self, hedge_s: float | None) -> None:
        path = os.environ.get(_VARIABLE)
        self._breakers = Breakers(
            FileStore(Path(path)) if path else MemoryStore(), on_event=self.heard
        )
        self._hedge_s = hedge_s
        self._preferred: dict[str, str] = {}
        """By stage, where others follow."""
        self.on_fault: OnFault | None = None

    def can_spare(self, stage: str) -> bool:
        return stage in self._preferred

    def spare(self, stage: str, *, is_spared: bool) -> None:
        """Whether the preferred engine of a stage is asked only when no other one can."""
        name = self._preferred[stage]
        if is_spared:
            self._breakers.spared.add(name)
        else:
            self._breakers.spared.discard(name)

    def stt(self, engines: Engines[stt.STT[Any]]) -> stt.STT[Any]:
        if len(engines) == 1:
            return engines[0][1]
        self._preferred["stt"] = _name("stt", engines[0][0])
        return ChainSTT(_members("stt", engines), breakers=self._breakers, on_event=self.heard)

    def llm(self, engines: Engines[llm.LLM[Any]]) -> llm.LLM[Any]:
        if len(engines) == 1:
            return engines[0][1]
        self._preferred["llm"] = _name("llm", engines[0][0])
        return ChainLLM(
            _members("llm", engines),
            self._breakers,
            hedge_s=self._hedge_s,
            continues={
                str(spec): _CONTINUING[spec.name] for spec, _ in engines if spec.name in _CONTINUING
            },
            on_event=self.heard,
        )

    def tts(self, engines: Engines[tts.TTS[Any]]) -> tts.TTS[Any]:
        if len(engines) == 1:
            return engines[0][1]
        return ChainTTS(_members("tts", engines), breakers=self._breakers, on_event=self.heard)

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


def _members(stage: str, engines: Engines[T]) -> list[Member[T]]:
    return [
        Member(_name(stage, spec), engine, (HOSTED_S if is_hosted(stage, spec) else LOCAL_S)[stage])
        for spec, engine in engines
    ]


def _name(stage: str, spec: EngineSpec) -> str:
    """A provider's recogniser may fail while its voice does not."""
    return f"{stage}:{spec}"
