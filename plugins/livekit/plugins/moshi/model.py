"""Moshi, a model that hears and speaks at the same time, as a livekit model."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from livekit import rtc
from livekit.agents import llm
from livekit.plugins.speechcore import level_dbfs

from .gate import SpeechGate
from .options import MoshiOptions
from .session import MoshiSession


class Moshi(llm.DuplexModel):
    """Kyutai's Moshi on a server of one's own. It decides itself when to speak and when to stop.

    It takes no instructions, calls no tools and does not tell what the caller said.
    """

    def __init__(
        self, options: MoshiOptions | None = None, *, random: Random | None = None
    ) -> None:
        super().__init__(
            capabilities=llm.DuplexCapabilities(
                user_transcription=False, auto_tool_reply_generation=False
            )
        )
        self._options = options or MoshiOptions()
        self._random = random or Random()  # nosec B311 # when to try again
        self.unanswered_s: Callable[[], float] = lambda: 0.0
        """How much of the caller's newest sound has no answer: a new conversation hears it first, 10 s
        at most."""

    @property
    def model(self) -> str:
        return "moshi"

    @property
    def provider(self) -> str:
        return self._options.netloc

    def audio_gate(self) -> llm.AudioGate:
        return FrameGate()

    def session(self) -> MoshiSession:
        return MoshiSession(self, self._options, self._random)

    async def aclose(self) -> None:
        """Its sessions are closed by who opened them."""


class FrameGate:
    """A SpeechGate for livekit's frames."""

    def __init__(self) -> None:
        self._gate = SpeechGate()

    def update(self, frame: rtc.AudioFrame) -> bool:
        return self._gate.process(level_dbfs(bytes(frame.data)), frame.duration)

    def deactivate(self) -> None:
        self._gate.close()


def realtime_model(options: MoshiOptions | None = None) -> llm.DuplexRealtimeAdapter:
    """What `AgentSession(llm=…)` takes: each thing that Moshi says is a generation of its own."""
    options = options or MoshiOptions()
    # A pause of the line is no silence of the model's: the session ends what a broken line leaves.
    return llm.DuplexRealtimeAdapter(Moshi(options), audio_timeout=2 * options.stall_s)
