"""One clause on its way from text to sound."""

from __future__ import annotations

import asyncio

from livekit.agents import tts, utils
from livekit.plugins.speechcore import duration_s, to_mono

from agent.speech.edges import ClauseEdges
from agent.speech.planner import ClausePlanner


class Clause:
    """Takes an engine's audio as it comes; gives it trimmed, each part once.

    An engine that fails in the midst and begins anew gives another request: what it repeats is
    left out.
    """

    def __init__(self, written: str, spoken: str, sample_rate_hz: int) -> None:
        """`spoken` is empty when nothing of what is `written` can be pronounced."""
        self.written = written
        self.spoken = spoken
        self.pieces = utils.aio.Chan[bytes]()
        """Mono PCM."""
        self.first_at_s: float | None = None
        """When it began to sound, on the loop's clock."""
        self.error: Exception | None = None
        """Why `pieces` ended early."""
        self.made_s = 0.0
        self.played_s = 0.0
        """How much was handed on; counted by who takes the pieces."""
        self._sample_rate_hz = sample_rate_hz
        self._edges = ClauseEdges(sample_rate_hz)
        self._request_id = ""
        self._taken_bytes = 0
        self._repeated_bytes = 0

    @property
    def is_made(self) -> bool:
        return self.pieces.closed

    def take(self, audio: tts.SynthesizedAudio) -> None:
        if self._request_id not in ("", audio.request_id):
            self._repeated_bytes = self._taken_bytes
        self._request_id = audio.request_id
        pcm = to_mono(bytes(audio.frame.data), audio.frame.num_channels)
        self._give(self._edges.process(self._without_repeated(pcm)))

    def close(self, error: Exception | None = None) -> None:
        """No more audio comes; harmless when repeated."""
        if self.is_made:
            return
        self.error = error
        self._give(self._edges.finish())
        self.pieces.close()

    def unplayed_s(self, planner: ClausePlanner) -> float:
        """How long it will yet sound."""
        whole_s = self.made_s if self.is_made else planner.speech_s(len(self.spoken))
        return max(0.0, whole_s - self.played_s)

    def ready_s(self, planner: ClausePlanner) -> float:
        """How long until it can be played."""
        if self.is_made or self.made_s:
            return 0.0
        return planner.ready_s(planner.speech_s(len(self.spoken)))

    def work_s(self, planner: ClausePlanner) -> float:
        """How long it will yet take to make."""
        if self.is_made:
            return 0.0
        whole_s = planner.work.of(planner.speech_s(len(self.spoken)))
        return max(0.0, whole_s - planner.work.of(self.made_s)) if self.made_s else whole_s

    def _without_repeated(self, pcm: bytes) -> bytes:
        dropped = min(len(pcm), self._repeated_bytes)
        self._repeated_bytes -= dropped
        self._taken_bytes += len(pcm) - dropped
        return pcm[dropped:]

    def _give(self, pcm: bytes) -> None:
        if not pcm:
            return
        if self.first_at_s is None:
            self.first_at_s = asyncio.get_running_loop().time()
        self.made_s += duration_s(pcm, self._sample_rate_hz)
        self.pieces.send_nowait(pcm)
