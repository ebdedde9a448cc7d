"""Takes the agent's own echo out of the caller's microphone, and leaves everything else alone."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np
from livekit import rtc

from agent.playout import SAMPLE_RATE_HZ
from agent.turns.echo import RATE_HZ, WINDOW_S, EchoGuard, EchoPath
from agent.turns.noise_bed import NoiseBed

_SHORTEST_FRAME_S = 0.01


class EchoFilter(rtc.FrameProcessor[rtc.AudioFrame]):
    """livekit's seam between the room and VAD, recogniser and turn detector.

    A frame that is an echo becomes a noise bed; all others pass bit by bit. While the agent is
    silent, and its sound cannot come back any more, nothing is computed.
    """

    def __init__(self, clock: Callable[[], float] | None = None, seed: int = 0) -> None:
        self._clock = clock or asyncio.get_running_loop().time
        self._guard = EchoGuard()
        self._bed = NoiseBed(np.random.default_rng(seed))
        self._unheard: deque[rtc.AudioFrame] = deque(maxlen=round(WINDOW_S / _SHORTEST_FRAME_S))
        self._enabled = True

    @property
    def enabled(self) -> bool:
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._enabled = value

    def played(self, samples: np.ndarray, at_s: float) -> None:
        """What the agent plays from `at_s` on: int16 mono at `SAMPLE_RATE_HZ`."""
        self._guard.played(_reduced(samples, SAMPLE_RATE_HZ), at_s)

    def reset(self) -> None:
        """Another microphone is listened to from now on."""
        self._guard.path = EchoPath()

    def is_suspected(self) -> bool:
        """Whether what is heard at present may be an echo that got through."""
        return self._guard.is_suspected(self._clock())

    def _process(self, frame: rtc.AudioFrame) -> rtc.AudioFrame:
        now_s = self._clock()
        if not self._guard.may_hear(now_s):
            self._unheard.append(frame)
            return frame
        while self._unheard:
            self._guard.listen(_mono(self._unheard.popleft()))
        if not self._guard.is_echo(_mono(frame), now_s):
            return frame
        silence = self._bed.add(bytes(frame.data.nbytes))
        return rtc.AudioFrame(
            silence, frame.sample_rate, frame.num_channels, frame.samples_per_channel
        )

    def _close(self) -> None: ...


def _mono(frame: rtc.AudioFrame) -> np.ndarray:
    """Its first channel at the guard's rate."""
    samples = np.frombuffer(frame.data, dtype=np.int16)
    return _reduced(samples.reshape(-1, frame.num_channels)[:, 0], frame.sample_rate)


def _reduced(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """At the guard's rate, by means of neighbours; `rate_hz` is a multiple of it."""
    factor = rate_hz // RATE_HZ
    usable = len(samples) // factor * factor
    means = samples[:usable].reshape(-1, factor).mean(axis=1, dtype=np.float32)
    return np.asarray(means / 32768.0, dtype=np.float32)
