"""From a turn's record to the bars of its waterfall, as on the page. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.turn_record import TurnRecord


@dataclass(frozen=True)
class Bar:
    """A stage; times in seconds after the end of the caller's words."""

    label: str
    engine: str | None
    from_s: float
    """When the latest thing that it had waited for was there."""
    at_s: float

    @property
    def is_early(self) -> bool:
        """It was done before the caller had finished, and cost them nothing."""
        return self.at_s < 0


@dataclass(frozen=True)
class _Stage:
    field: str
    label: str
    engine: str | None
    """The stage of the engines that does it."""
    waits_for: Sequence[str]
    """Nothing means the end of the caller's words."""


_STAGES = (
    _Stage("eot_s", "end of turn", None, ()),
    _Stage("stt_final_s", "STT final", "stt", ()),
    _Stage("llm_first_s", "LLM first token", "llm", ("stt_final_s", "eot_s")),
    _Stage("clause_s", "first clause", None, ("llm_first_s",)),
    _Stage("tts_first_s", "TTS first audio", "tts", ("clause_s",)),
    _Stage("playout_s", "playout", None, ("tts_first_s", "eot_s")),
)
_BY_FIELD: Mapping[str, _Stage] = {stage.field: stage for stage in _STAGES}


def bars(record: TurnRecord) -> list[Bar]:
    """Those of the stages whose time is known, in the order of the pipeline."""
    found = []
    for stage in _STAGES:
        at_s = _time(record, stage.field)
        if at_s is not None:
            engine = record.engines.get(stage.engine) if stage.engine else None
            found.append(Bar(stage.label, engine, _begun_s(record, stage, at_s), at_s))
    return found


def _begun_s(record: TurnRecord, stage: _Stage, at_s: float) -> float:
    """Speculation lets a stage finish before what it usually waits for: then it did not wait at all."""
    return max((time_s for time_s in _awaited(record, stage) if time_s <= at_s), default=at_s)


def _awaited(record: TurnRecord, stage: _Stage) -> Iterator[float]:
    """Times of the stages before, looking further back where one is unknown."""
    if not stage.waits_for:
        yield 0.0
    for name in stage.waits_for:
        time_s = _time(record, name)
        if time_s is None:
            yield from _awaited(record, _BY_FIELD[name])
        else:
            yield time_s


def _time(record: TurnRecord, field: str) -> float | None:
    time_s: float | None = getattr(record, field)
    return time_s
