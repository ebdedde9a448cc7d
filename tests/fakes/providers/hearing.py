"""How the fakes come by a caller's words: from coded sound, or told of beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from livekit.plugins.simulated.recogniser import Heard, HeardKind, ScriptedRecogniser
from livekit.plugins.simulated.words import Announcements
from livekit.plugins.speechcore import Word, level_dbfs

from .coded_speech import CodedEar

PREFLIGHT_S = 0.12
"""So much quiet, and the turn may be over."""
FINAL_S = 0.32
"""So much quiet, and it is."""
_FRAME_S = 0.01


class Hearing(Protocol):
    """One stream of audio; times are seconds of it."""

    def hear(self, pcm: bytes) -> list[Heard]:
        """Takes mono int16 PCM, gives what becomes known."""
        ...

    def flush(self) -> list[Heard]:
        """A FINAL of what has been heard since the last one; an empty one for nothing."""
        ...


Hearings = Callable[[int], Hearing]
"""Makes one for a stream of so many Hz."""


@dataclass
class CodedHearing:
    """Understands coded speech, and nothing else."""

    rate_hz: int
    words: list[Word] = field(default_factory=list)
    has_preflighted: bool = False
    ear: CodedEar = field(init=False)

    def __post_init__(self) -> None:
        self.ear = CodedEar(self.rate_hz)

    def hear(self, pcm: bytes) -> list[Heard]:
        step = round(self.rate_hz * _FRAME_S) * 2
        heard: list[Heard] = []
        for start in range(0, len(pcm), step):
            heard += self._hear_frame(pcm[start : start + step])
        return heard

    def flush(self) -> list[Heard]:
        self.words += self.ear.finish()
        return [self._give(HeardKind.FINAL)]

    def _hear_frame(self, pcm: bytes) -> list[Heard]:
        if words := self.ear.hear(pcm):
            self.words += words
            self.has_preflighted = False
            return [self._give(HeardKind.INTERIM)]
        if not self.words or self.ear.is_in_word:
            return []
        if self.ear.quiet_s >= FINAL_S:
            return [self._give(HeardKind.FINAL)]
        if self.ear.quiet_s >= PREFLIGHT_S and not self.has_preflighted:
            self.has_preflighted = True
            return [self._give(HeardKind.PREFLIGHT)]
        return []

    def _give(self, kind: HeardKind) -> Heard:
        heard = Heard(kind, tuple(self.words))
        if kind is HeardKind.FINAL:
            self.words.clear()
            self.has_preflighted = False
        return heard


class AnnouncedHearing:
    """Reveals announced words in any sound, as the simulated STT does; made-up ones without."""

    def __init__(self, rate_hz: int, announcements: Announcements) -> None:
        self._step_bytes = round(rate_hz * _FRAME_S) * 2
        self._delay_s = FINAL_S - PREFLIGHT_S
        self._recogniser = ScriptedRecogniser(self._delay_s, announcements)
        self._rest = b""

    def hear(self, pcm: bytes) -> list[Heard]:
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % self._step_bytes
        self._rest = pcm[whole:]
        heard: list[Heard] = []
        for start in range(0, whole, self._step_bytes):
            level = level_dbfs(pcm[start : start + self._step_bytes])
            heard += self._recogniser.hear(level, _FRAME_S)
        return heard

    def flush(self) -> list[Heard]:
        self._recogniser.flush(self._recogniser.heard_s)
        heard = self._recogniser.advance(self._recogniser.heard_s + self._delay_s)
        if any(said.kind is HeardKind.FINAL for said in heard):
            return heard
        return [*heard, Heard(HeardKind.FINAL)]
