"""An engine of the server: its model, its threads, and who uses it."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from livekit.plugins.speechcore import (
    EngineBusy,
    EngineError,
    EngineTimeout,
    PartialSession,
    Recogniser,
    Synthesiser,
    Transcript,
)

from .admission import DEFAULT_COST, Admission
from .config import EngineConfig
from .lane import Lane, Outcome
from .messages import Fault, FaultKind
from .metrics import ServerMetrics
from .scheduler import Batch, JobQueue

Engine = Recogniser | Synthesiser
Factory = Callable[..., Engine]


@dataclass(frozen=True, slots=True)
class Decodable:
    """A session that may be decoded together with others, and the lock of those who use it."""

    session: PartialSession
    in_use: threading.Lock


def find_factory(path: str) -> Factory:
    """Imports "package.module:function". For the main thread: livekit's plugins want to be imported
    there. Raises EngineError."""
    module_name, _, name = path.partition(":")
    try:
        return cast(Factory, getattr(importlib.import_module(module_name), name))
    except (ImportError, AttributeError, ValueError) as e:
        raise EngineError(f"there is no engine factory {path!r} ({e})") from e


def build_engine(config: EngineConfig, factory: Factory) -> Engine:
    """Makes an engine and loads its model; blocks. Raises EngineError with the engine's name."""
    try:
        engine = factory(**config.options)
        if load := getattr(engine, "load", None):
            load()
        return engine
    except EngineError as e:
        raise EngineError(f"{config.name}: {e}") from e
    except Exception as e:
        raise EngineError(f"{config.name} cannot be loaded ({type(e).__name__}: {e})") from e


class ServedEngine:
    """One engine with its lane and its capacity. Used on the event loop."""

    def __init__(
        self,
        config: EngineConfig,
        engine: Engine,
        lane: Lane,
        admission: Admission,
        metrics: ServerMetrics,
        *,
        call_share: float,
    ) -> None:
        """`admission`: of the lane. `call_share`: seconds of a call for each second of this engine's
        sound.
        """
        self.config = config
        self.engine = engine
        self.lane = lane
        self.admission = admission
        self.metrics = metrics
        metrics.serve(config.name)
        self._call_share = call_share
        self._callers: Counter[Hashable] = Counter()
        self._sound_s = 0.0
        self._busy_s = 0.0

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def recogniser(self) -> Recogniser:
        return cast(Recogniser, self.engine)

    @property
    def synthesiser(self) -> Synthesiser:
        return cast(Synthesiser, self.engine)

    @property
    def session_count(self) -> int:
        return self._callers.total()

    @property
    def capacity(self) -> int:
        """Callers at the same time: what is set, else what is measured."""
        return self.config.capacity or self.admission.capacity

    @property
    def free(self) -> int:
        """For how many more callers there is room."""
        return max(0, self.capacity - len(self._callers))

    @property
    def real_time_factor(self) -> float:
        """Seconds of work for a second of sound since the start; 0 before there was any."""
        return self._busy_s / self._sound_s if self._sound_s else 0.0

    def batch(self, item: Decodable) -> Batch | None:
        """How this session's interims are decoded with others'; None where they are not."""
        decode_batch = getattr(self.engine, "decode_batch", None)
        if decode_batch is None or self.config.max_batch < 2:
            return None

        def decode_together(items: list[Decodable]) -> list[Transcript]:
            with contextlib.ExitStack() as uses:
                for each in items:
                    uses.enter_context(each.in_use)
                return list(decode_batch([each.session for each in items]))

        return Batch(self.name, item, decode_together, self.config.max_batch)

    def admit(self, caller: Hashable) -> None:
        """Counts a session of `caller`, which may have several. Raises EngineBusy."""
        if self.lane.is_stuck:
            raise EngineBusy(f"{self.name} is still busy with a step that missed its deadline")
        if caller not in self._callers and not self.free:
            raise EngineBusy(f"{self.name} is at capacity: it serves {self.capacity} callers")
        self._callers[caller] += 1

    def release(self, caller: Hashable) -> None:
        """The end of a session that was admitted."""
        self._callers[caller] -= 1
        if not self._callers[caller]:
            del self._callers[caller]

    def sounded(self, sound_s: float) -> None:
        """A caller has sent, or been sent, so much sound."""
        self._sound_s += sound_s
        self.admission.lasted(self._call_share * sound_s)

    def account(self, outcome: Outcome) -> None:
        """Takes note of a step that was made."""
        kind = outcome.job.kind
        busy_s = outcome.ran_s / outcome.batch_size
        self._busy_s += busy_s
        self.admission.worked(busy_s)
        self.metrics.wait.labels(self.name, kind).observe(outcome.waited_s)
        self.metrics.run.labels(self.name, kind).observe(outcome.ran_s)
        self.metrics.batch.labels(self.name).observe(outcome.batch_size)

    def describe(self) -> dict[str, Any]:
        """What callers are told of it."""
        return {
            "kind": self.config.kind,
            "model": self.engine.model,
            "rate": self.engine.sample_rate_hz,
            "capacity": self.capacity,
            "free": self.free,
        }


_SPEAKING_SHARE = 0.5
"""Of a call in which the agent speaks, for what there is no better measure of."""


def serve_engines(
    configs: Sequence[EngineConfig],
    engines: Mapping[str, Engine],
    costs: Mapping[str, float],
    metrics: ServerMetrics,
    on_outcomes: Callable[[list[Outcome]], None],
) -> list[ServedEngine]:
    """Gives each engine its threads; those that name the same lane share them.

    `costs`: seconds of work for a second of sound, of the engines of which it is known.
    """
    served = []
    for name in dict.fromkeys(config.lane_name for config in configs):
        members = [config for config in configs if config.lane_name == name]
        threads = members[0].threads
        lane = Lane(name, JobQueue(), threads=threads, on_outcomes=on_outcomes)
        admission = _admission(members, costs, threads)
        hears = any(config.kind == "stt" for config in members)
        for config in members:
            # A recogniser hears all of a call. Speech tells how long a call is only where nothing hears.
            share = 1.0 if config.kind == "stt" else 0.0 if hears else 1 / _SPEAKING_SHARE
            engine = engines[config.name]
            served.append(ServedEngine(config, engine, lane, admission, metrics, call_share=share))
    return served


def _admission(
    members: Sequence[EngineConfig], costs: Mapping[str, float], threads: int
) -> Admission:
    """Assumes that a call uses the first engine of each kind in its lane."""
    assumed_cost = 0.0
    for kind, share in (("stt", 1.0), ("tts", _SPEAKING_SHARE)):
        of_kind = (config.name for config in members if config.kind == kind)
        assumed_cost += share * costs.get(next(of_kind, ""), 0.0)
    return Admission(threads=threads, assumed_cost=assumed_cost or DEFAULT_COST)


def fault_of(error: Exception) -> Fault:
    """What a caller is told of an engine's error. A foreign one may hold words: only its name."""
    sentence = str(error)
    if isinstance(error, EngineBusy):
        return Fault(FaultKind.BUSY, sentence)
    if isinstance(error, EngineTimeout):
        return Fault(FaultKind.TIMEOUT, sentence)
    if isinstance(error, EngineError):
        return Fault(FaultKind.ENGINE, sentence)
    return Fault(FaultKind.ENGINE, f"the engine failed ({type(error).__name__})")
