"""What a fake realtime model does: shared by the sessions of one server."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from livekit.plugins.simulated.recogniser import HeardKind
from livekit.plugins.speechcore import level_dbfs

from .answer import Gone, SocketAnswer
from .faults import Fault
from .hearing import CodedHearing
from .voices import PROMISED_RATE_HZ, Voice, tone_voice

VAD_WINDOW_S = 0.02
_LOUD_DBFS = -40.0
_ONSET_S = 0.06

Event = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SpokenReply:
    """What the model does when it is asked for a response."""

    text: str = ""
    calls: Sequence[tuple[str, str]] = ()
    """Tools by name, with their arguments as they are sent: JSON or not."""
    refusal: str | None = None
    """The request is refused with this code."""
    failure: str | None = None
    """The response fails with this code after a half second of its sound."""
    is_mute: bool = False
    """The response begins, and nothing comes of it."""
    breaks_after_s: float | None = None
    """After so much of its sound the connection ends without a word."""
    stalls_after_s: float | None = None
    """After so much of its sound nothing more comes."""
    is_endless: bool = False
    """The sound begins anew for ever."""


def coded_words(pcm: bytes) -> str:
    """What coded speech says; for other sound, that there was some."""
    ear = CodedHearing(PROMISED_RATE_HZ)
    heard = [*ear.hear(pcm), *ear.flush()]
    words = " ".join(said.text for said in heard if said.kind is HeardKind.FINAL).strip()
    return words if words and "…" not in words else "something"


def repeat_heard(turn: int, words: str) -> SpokenReply:
    """What is answered when nothing is scripted."""
    return SpokenReply(text=f"I heard {words}.")


@dataclass
class SpeechToSpeech:
    """What the sessions of one fake server share."""

    replies: deque[SpokenReply] = field(default_factory=deque)
    """To turns, in this order; `reply` when there are none left."""
    reply: Callable[[int, str], SpokenReply] = repeat_heard
    """From the number of the turn and its words."""
    understand: Callable[[bytes], str] = coded_words
    """What was said, from mono int16 PCM at 24 kHz."""
    costs_s: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of understanding, thinking and speaking: until the first word, and from there to the sound."""
    transcription_s: float = 0.1
    """From a turn's end to its words."""
    voice: Voice = tone_voice
    rate_hz: int = PROMISED_RATE_HZ
    """Of the speech; another one is told in the session, as a server of somebody's own may have it."""
    pace: float = 8.0
    """How much faster than it is spoken the sound is sent."""
    asked: list[Event] = field(default_factory=list)
    """All events of all clients, but for their sound."""
    turns: list[bytes] = field(default_factory=list)
    """The sound of each turn that was committed."""
    live: list[SocketAnswer] = field(default_factory=list)
    """The connections of the sessions."""
    sessions: int = 0
    """That were begun."""

    async def inject(self, fault: Fault) -> None:
        """All sessions meet it now, or at their next event."""
        for answer in list(self.live):
            with contextlib.suppress(Gone):
                await answer.fail(fault)

    def of(self, kind: str) -> list[Event]:
        """The events of one type that came."""
        return [event for event in self.asked if event["type"] == kind]


@dataclass
class ServerVad:
    """Speech by its level."""

    silence_s: float
    is_speaking: bool = False
    _loud_s: float = 0.0
    _quiet_s: float = 0.0

    def process(self, pcm: bytes) -> str | None:
        """Takes one window; `started`, `stopped` or nothing."""
        is_loud = level_dbfs(pcm) > _LOUD_DBFS
        self._loud_s = self._loud_s + VAD_WINDOW_S if is_loud else 0.0
        self._quiet_s = 0.0 if is_loud else self._quiet_s + VAD_WINDOW_S
        if not self.is_speaking and self._loud_s >= _ONSET_S:
            self.is_speaking = True
            return "started"
        if self.is_speaking and self._quiet_s >= self.silence_s:
            self.is_speaking = False
            return "stopped"
        return None
