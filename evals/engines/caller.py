"""One caller in a process of its own, who speaks in real time and is heard.

    python -m evals.engines.caller   # the order in a line of standard input, then the time to begin

A turn is three seconds of speech; 0.3 s after it the final text is asked for. The microphone is
never off: the next turn begins when it does, whether the last was understood by then or not.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from livekit.plugins.modelserver import ModelServerClient, RemoteRecogniser
from livekit.plugins.speechcore import EngineBusy, EngineError, Transcript
from livekit.plugins.speechio import InProcessRecogniser, Listener, RecogniserHandle

from evals.engines.lag import LagProbe
from evals.engines.marked import marked_whisper
from evals.engines.whisper import RATE_HZ, speech
from tests.fakes.audio import BED_DBFS, noise

SPOKEN_S, FLUSH_S, TURN_S = 3.0, 3.3, 4.0
_PIECE_SAMPLES = RATE_HZ // 20
_POINT_S = 0.1
_TIMEOUT_S = 60.0
"""A caller who waits longer than any session would let them: what is slow is measured, not cut off."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a caller is to do."""

    whisper: dict[str, Any]
    """Options of the model."""
    turns: int
    delay_s: float
    """After the others' beginning."""
    address: str = ""
    """Of the model server; empty: the model is in this process."""


class Call:
    """Reports on its turns. Times are on the machine's monotonic clock."""

    def __init__(self, order: Order, begin_s: float) -> None:
        self._turns = order.turns
        self._begin_s = begin_s
        turn = speech(SPOKEN_S) + noise(TURN_S - SPOKEN_S, BED_DBFS, RATE_HZ)
        self._pcm = turn * order.turns
        self._sent_samples = 0
        self._newest = ""
        self._texts: list[tuple[float, float]] = []
        """Seconds of sound that a text covers, and when it came."""
        self._finals_s: list[float] = []
        self._partials = self._empty = 0

    async def run(self, handle: RecogniserHandle) -> dict[str, Any]:
        listener = handle.listen(timeout_s=_TIMEOUT_S, language="en", on_update=self._on_text)
        probe = LagProbe()
        error = ""
        try:
            await asyncio.sleep(self._begin_s - time.monotonic())
            probe.begin()
            for number in range(self._turns):
                await self._speak(listener, number * TURN_S + FLUSH_S)
                await self._ask_for_final(listener, number * TURN_S + FLUSH_S)
        except EngineBusy:
            error = "refused"
        except EngineError as e:
            error = str(e)
        finally:
            probe.end()
            listener.close()
        return {
            "error": error,
            "partials": self._partials,
            "empty_finals": self._empty,
            "finals_s": self._finals_s,
            "delays_s": [] if error else delays_s(spoken_points_s(self._turns), self._texts),
            "loop": probe.summary() if self._finals_s else None,
        }

    @property
    def _now_s(self) -> float:
        """Of the call."""
        return time.monotonic() - self._begin_s

    async def _speak(self, listener: Listener, until_s: float) -> None:
        until_samples = round(until_s * RATE_HZ)
        while self._sent_samples < until_samples:
            spoken_samples = int(self._now_s * RATE_HZ) // _PIECE_SAMPLES * _PIECE_SAMPLES
            ready_samples = min(until_samples, spoken_samples)
            if ready_samples <= self._sent_samples:
                await asyncio.sleep((self._sent_samples + _PIECE_SAMPLES) / RATE_HZ - self._now_s)
                continue
            pcm = self._pcm[2 * self._sent_samples : 2 * ready_samples]
            self._sent_samples = ready_samples
            self._on_text(await listener.accept(pcm))

    async def _ask_for_final(self, listener: Listener, due_s: float) -> None:
        final = await listener.finish()
        self._finals_s.append(self._now_s - due_s)
        self._texts.append((due_s, self._now_s))
        self._empty += not final.text

    def _on_text(self, transcript: Transcript) -> None:
        if transcript.text and transcript.text != self._newest:
            self._newest = transcript.text
            self._partials += 1
            self._texts.append((int(transcript.text) / RATE_HZ, self._now_s))


def spoken_points_s(turns: int) -> list[float]:
    """The ends of every tenth of a second of speech."""
    return [
        number * TURN_S + point * _POINT_S
        for number in range(turns)
        for point in range(1, round(SPOKEN_S / _POINT_S) + 1)
    ]


def delays_s(said_s: Sequence[float], texts: Sequence[tuple[float, float]]) -> list[float]:
    """From each point of speech to the first text that covers it.

    `texts`: up to where each covers the sound, and when it came; the last covers all.
    """
    return [
        min(came_s for covers_s, came_s in texts if covers_s >= point_s) - point_s
        for point_s in said_s
    ]


async def _remote(order: Order, begin_s: float) -> dict[str, Any]:
    client = ModelServerClient(order.address, dead_after_s=_TIMEOUT_S)
    try:
        handle = RemoteRecogniser(client, "whisper", sample_rate_hz=RATE_HZ)
        return await Call(order, begin_s).run(handle)
    finally:
        client.close()


def main() -> None:
    order = Order(**json.loads(sys.stdin.readline()))
    engine = None if order.address else marked_whisper(**order.whisper)
    if engine is not None:
        engine.load()
    print("ready", flush=True)  # noqa: T201
    begin_s = float(sys.stdin.readline()) + order.delay_s
    if engine is None:
        report = asyncio.run(_remote(order, begin_s))
    else:
        handle = InProcessRecogniser(engine, name="whisper")
        report = asyncio.run(Call(order, begin_s).run(handle))
    print(json.dumps(report), flush=True)  # noqa: T201
    sys.stdin.read()  # until its memory has been looked at


if __name__ == "__main__":
    main()
