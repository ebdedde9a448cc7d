"""The part of the module sounddevice that a console uses: devices that keep time in threads of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.fakes.audio import BED_DBFS, noise

_BLOCK_S = 0.01
_DELAY_S = 0.02


class PortAudioError(Exception):
    """As the module's own."""


class _Stream:
    """Calls back every 10 ms from `start()` to `close()`, or until it is unplugged."""

    def __init__(self, machine: Machine, **shape: Any) -> None:
        self.machine = machine
        self.block: int = shape["blocksize"]
        self.rate_hz: int = shape["samplerate"]
        self._callback: Callable[..., None] = shape["callback"]
        self._finished: Callable[[], None] = shape["finished_callback"]
        self._has_ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._has_ended.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        begun_s, count = time.monotonic(), 0
        while not self._has_ended.is_set() and not self.machine.is_unplugged.is_set():
            now_s = time.monotonic()
            times = SimpleNamespace(
                currentTime=now_s,
                inputBufferAdcTime=now_s - _DELAY_S,
                outputBufferDacTime=now_s + _DELAY_S,
            )
            self.step(times)
            count += 1
            time.sleep(max(0.0, begun_s + count * _BLOCK_S - time.monotonic()))
        self._finished()

    def step(self, times: Any) -> None:
        raise NotImplementedError


class _Input(_Stream):
    def step(self, times: Any) -> None:
        self._callback(self.machine.next_sound(2 * self.block), self.block, times, None)


class _Output(_Stream):
    def step(self, times: Any) -> None:
        out = bytearray(2 * self.block)
        self._callback(memoryview(out), self.block, times, None)
        self.machine.heard.append(bytes(out))


@dataclass
class Machine:
    """A machine with a microphone in a room with a noise bed, and a loudspeaker that is listened to."""

    rate_hz: int = 24_000
    has_microphone: bool = True
    heard: list[bytes] = field(default_factory=list)
    """What came out of the loudspeaker, a block each."""
    is_unplugged: threading.Event = field(default_factory=threading.Event)
    asked: list[Any] = field(default_factory=list)
    """The devices that were wanted."""
    _said: bytearray = field(default_factory=bytearray)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._bed = noise(1.0, BED_DBFS, self.rate_hz)
        self._at = 0

    PortAudioError = PortAudioError

    def RawInputStream(self, *, device: Any, **shape: Any) -> _Input:
        self.asked.append(device)
        if not self.has_microphone:
            raise PortAudioError("Error querying device -1")
        return _Input(self, **shape)

    def RawOutputStream(self, *, device: Any, **shape: Any) -> _Output:
        self.asked.append(device)
        return _Output(self, **shape)

    def say(self, samples: np.ndarray) -> None:
        """Into the microphone: int16 mono at `rate_hz`."""
        with self._lock:
            self._said += samples.astype(np.int16).tobytes()

    @property
    def loudest(self) -> int:
        """Of all that was heard so far."""
        samples = np.frombuffer(b"".join(self.heard), dtype=np.int16)
        return int(np.abs(samples.astype(int)).max(initial=0))

    def next_sound(self, count: int) -> bytes:
        with self._lock:
            said = bytes(self._said[:count])
            del self._said[:count]
        bed = self._bed[self._at : self._at + count]
        self._at = (self._at + count) % (len(self._bed) - count)
        return said + bed[len(said) :]
