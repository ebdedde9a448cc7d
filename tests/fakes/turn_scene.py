"""A turn of scripted recognisers, where time is what the test says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from livekit.plugins.chains import Fault, FaultKind
from livekit.plugins.chains.stt_audio import TurnAudio
from livekit.plugins.chains.stt_ear import Traits
from livekit.plugins.chains.stt_heard import Heard, HeardKind
from livekit.plugins.chains.stt_turn import Turn

from .coded_stt import RATE_HZ, quiet, spoken

EXACT = Traits(1.0)
OWN = Traits(1.0, answers_flush=False)
BATCH = Traits(1.0, has_partials=False)
BROKEN = Fault(FaultKind.UNREACHABLE, "it is gone")
STEP_S = 0.05


def final(text: str, end_s: float | None = None) -> Heard:
    return Heard(HeardKind.FINAL, text, (), end_s)


def interim(text: str, end_s: float | None = None) -> Heard:
    return Heard(HeardKind.INTERIM, text, (), end_s)


@dataclass
class Scene:
    """Is the `Stage`, plays audio in real time, and remembers."""

    members: Sequence[Traits]
    closed: set[int] = field(default_factory=set)
    """Members whose breaker is open."""
    started: list[tuple[int, float, tuple[float, ...]]] = field(default_factory=list)
    open_keys: dict[int, int] = field(default_factory=dict)
    given: list[Heard] = field(default_factory=list)
    faults: list[tuple[int, FaultKind]] = field(default_factory=list)
    switches: list[tuple[int, int | None]] = field(default_factory=list)
    hedges: list[tuple[int, int, int]] = field(default_factory=list)
    praised: list[int] = field(default_factory=list)
    now_s: float = 0.0

    def __post_init__(self) -> None:
        self.audio = TurnAudio()
        self.turn = Turn(self.members, self.audio, self)
        self.turn.begin(0.0)

    def start(self, key: int, member: int, from_s: float, flushes: Sequence[float]) -> None:
        self.started.append((member, round(from_s, 2), tuple(round(at, 2) for at in flushes)))
        self.open_keys[member] = key

    def drop(self, key: int) -> None:
        self.open_keys = {m: k for m, k in self.open_keys.items() if k != key}

    def give(self, heard: Heard) -> None:
        self.given.append(heard)

    def may_try(self, member: int) -> bool:
        return member not in self.closed

    def is_hopeless(self, member: int) -> bool:
        return False

    def succeeded(self, member: int) -> None:
        self.praised.append(member)

    def failed(self, member: int, fault: Fault) -> None:
        self.faults.append((member, fault.kind))

    def switched(self, source: int, to: int | None, fault: Fault, audio_s: float) -> None:
        self.switches.append((source, to))

    def hedged(self, first: int, second: int, winner: int, audio_s: float) -> None:
        self.hedges.append((first, second, winner))

    def play(self, pcm: bytes) -> None:
        step = round(STEP_S * RATE_HZ) * 2
        for place in range(0, len(pcm), step):
            self.turn.pushed(pcm[place : place + step], RATE_HZ, self.now_s)
            self.wait(STEP_S)

    def wait(self, duration_s: float) -> None:
        end_s = self.now_s + duration_s
        while (due_s := self.turn.due_s) is not None and due_s <= end_s:
            self.now_s = max(self.now_s, due_s)
            self.turn.tick(self.now_s)
        self.now_s = end_s

    def flush(self) -> bool:
        return self.turn.flushed(self.now_s)

    def says(self, member: int, heard: Heard) -> None:
        self.turn.heard(self.open_keys[member], heard, self.now_s)

    def dies(self, member: int, fault: Fault = BROKEN) -> None:
        self.turn.lost(self.open_keys[member], fault, self.now_s)

    @property
    def texts(self) -> list[str]:
        return [f"{heard.kind.value}: {heard.text}".strip() for heard in self.given]

    @property
    def finals(self) -> list[str]:
        return [heard.text for heard in self.given if heard.kind is HeardKind.FINAL]

    @property
    def listening(self) -> list[int]:
        return sorted(self.open_keys)


def said(members: Sequence[Traits], *, words: int = 3, after_s: float = 0.3) -> Scene:
    """A second of quiet, some words and quiet again."""
    scene = Scene(members)
    scene.play(quiet(1.0) + spoken(range(words)) + quiet(after_s))
    return scene
