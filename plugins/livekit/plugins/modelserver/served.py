"""An engine of the server: its model, its threads, and who uses it."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from livekit.plugins.speechcore import (
    EngineBusy,
    EngineError,
    EngineTimeout,
    PartialSession,
    Recogniser,
    Synthesiser,
    Transcript,
)

from .admission import Admission
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


class BatchRecogniser(Recogniser, Protocol):
    """A recogniser that decodes several sessions in one go; see `EngineConfig.max_batch`."""

    def decode_batch(self, sessions: Sequence[PartialSession]) -> list[Transcript]:
        """As `decode()` of each, in their order. When it raises, each is decoded alone."""
        ...


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
    ) -> None:
        self.config = config
        self.engine = engine
        self.lane = lane
        self.admission = admission
        self.metrics = metrics
        self._callers: Counter[Hashable] = Counter()

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
    def free(self) -> int:
        """For how many more callers there is room."""
        return max(0, self.admission.capacity - len(self._callers))

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
            raise EngineBusy(
                f"{self.name} is at capacity: it serves {self.admission.capacity} callers"
            )
        self._callers[caller] += 1

    def release(self, caller: Hashable) -> None:
        """The end of a session that was admitted."""
        self._callers[caller] -= 1
        if not self._callers[caller]:
            del self._callers[caller]

    def account(self, outcome: Outcome) -> None:
        """Takes note of a step that was made."""
        kind = outcome.job.kind
        self.admission.worked(outcome.ran_s / outcome.batch_size)
        self.metrics.wait.labels(self.name, kind).observe(outcome.waited_s)
        self.metrics.run.labels(self.name, kind).observe(outcome.ran_s)
        self.metrics.batch.labels(self.name).observe(outcome.batch_size)

    def describe(self) -> dict[str, Any]:
        """What callers are told of it."""
        return {
            "kind": self.config.kind,
            "model": self.engine.model,
            "rate": self.engine.sample_rate_hz,
            "capacity": self.admission.capacity,
            "free": self.free,
        }


def serve_engines(
    configs: Sequence[EngineConfig],
    engines: Mapping[str, Engine],
    metrics: ServerMetrics,
    on_outcomes: Callable[[list[Outcome]], None],
) -> list[ServedEngine]:
    """Gives each engine its threads; those that name the same lane share them."""
    lanes: dict[str, Lane] = {}
    shares = Counter(config.lane_name for config in configs)
    served = []
    for config in configs:
        lane = lanes.get(config.lane_name)
        if lane is None:
            lane = Lane(
                config.lane_name, JobQueue(), threads=config.threads, on_outcomes=on_outcomes
            )
            lanes[config.lane_name] = lane
        threads = lane.thread_count / shares[config.lane_name]
        admission = Admission(threads=threads, limit=config.capacity)
        served.append(ServedEngine(config, engines[config.name], lane, admission, metrics))
    return served


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
