"""This machine's microphone and loudspeaker, through PortAudio."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import threading
from collections.abc import Callable
from typing import Any

from livekit import rtc
from livekit.agents.voice.io import AudioInput

from agent.playout import SAMPLE_RATE_HZ

FRAME_SAMPLES = SAMPLE_RATE_HZ // 100
"""10 ms, which the echo canceller wants."""
_FRAME_BYTES = 2 * FRAME_SAMPLES
_MOST_FRAMES = 100
"""That wait for the session; of more the oldest are dropped."""

Device = int | str | None
"""As PortAudio numbers or names it; None for the machine's own choice."""


class NoSound(Exception):
    """There is no microphone or loudspeaker; the message is a sentence with a remedy."""


class Microphone(AudioInput):
    """Frames of 10 ms, int16 mono, as the session reads them."""

    def __init__(self) -> None:
        super().__init__(label="microphone")
        self.clean: Callable[[rtc.AudioFrame], rtc.AudioFrame] = lambda frame: frame
        """Applied to each frame on the event loop."""
        self._frames: asyncio.Queue[rtc.AudioFrame | None] = asyncio.Queue(_MOST_FRAMES)

    def push(self, frame: rtc.AudioFrame | None) -> None:
        """On the event loop; None ends the input."""
        if self._frames.full():
            self._frames.get_nowait()
        self._frames.put_nowait(frame)

    async def __anext__(self) -> rtc.AudioFrame:
        frame = await self._frames.get()
        if frame is None:
            raise StopAsyncIteration
        return self.clean(frame)


class Speaker:
    """A sink of the playout, emptied by the thread that feeds the loudspeaker."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._lock = threading.Lock()

    @property
    def queued_duration(self) -> float:
        with self._lock:
            return len(self._waiting) / 2 / SAMPLE_RATE_HZ

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        with self._lock:
            self._waiting += bytes(frame.data)

    async def aclose(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, count_bytes: int) -> bytes:
        """The next sound, with silence where there is none."""
        with self._lock:
            taken = bytes(self._waiting[:count_bytes])
            del self._waiting[:count_bytes]
        return taken.ljust(count_bytes, b"\0")


class Sound:
    """Both devices, and the echo of the one taken out of the other. `close()` twice is fine."""

    def __init__(self, api: Any) -> None:
        """`api`: the module sounddevice."""
        self.on_lost: Callable[[], None] = lambda: None
        """Called when a device has gone."""
        self._api = api
        self._loop = asyncio.get_running_loop()
        self.microphone = Microphone()
        self.speaker = Speaker()
        self._canceller = rtc.AudioProcessingModule(
            echo_cancellation=True, noise_suppression=False, high_pass_filter=True
        )
        self._output_delay_s = 0.0
        self._streams: list[Any] = []

    def open(self, microphone: Device = None, loudspeaker: Device = None) -> None:
        """Raises NoSound."""
        shape = {
            "samplerate": SAMPLE_RATE_HZ,
            "blocksize": FRAME_SAMPLES,
            "channels": 1,
            "dtype": "int16",
            "latency": "low",
            "finished_callback": self._finished,
        }
        wanted = (
            ("microphone", self._api.RawInputStream, microphone, self._record),
            ("loudspeaker", self._api.RawOutputStream, loudspeaker, self._play),
        )
        for what, stream, device, callback in wanted:
            try:
                opened = stream(device=device, callback=callback, **shape)
                self._streams.append(opened)
                opened.start()
            except (self._api.PortAudioError, ValueError) as e:
                self.close()
                raise NoSound(f"There is no {what} that can be used ({_reason(e)}).") from e

    def close(self) -> None:
        streams, self._streams = self._streams, []
        for stream in streams:
            with contextlib.suppress(self._api.PortAudioError):
                stream.close()

    def _record(self, indata: Any, count: int, times: Any, status: Any) -> None:
        """By PortAudio's thread."""
        pcm = bytes(indata)
        delay_s = self._output_delay_s + times.currentTime - times.inputBufferAdcTime
        with contextlib.suppress(RuntimeError):  # the canceller then finds the delay by itself
            self._canceller.set_stream_delay_ms(max(0, round(delay_s * 1000)))
        for start in range(0, len(pcm) - _FRAME_BYTES + 1, _FRAME_BYTES):
            frame = _frame(pcm[start : start + _FRAME_BYTES])
            self._canceller.process_stream(frame)
            self._tell(self.microphone.push, frame)

    def _play(self, outdata: Any, count: int, times: Any, status: Any) -> None:
        """By PortAudio's thread."""
        self._output_delay_s = times.outputBufferDacTime - times.currentTime
        pcm = self.speaker.take(2 * count)
        for start in range(0, len(pcm) - _FRAME_BYTES + 1, _FRAME_BYTES):
            self._canceller.process_reverse_stream(_frame(pcm[start : start + _FRAME_BYTES]))
        outdata[:] = pcm

    def _finished(self) -> None:
        """By PortAudio's thread, when a stream has ended: closed by us, or its device unplugged."""
        if self._streams:
            self._tell(self._lost)

    def _lost(self) -> None:
        if self._streams:
            self.close()
            self.microphone.push(None)
            self.on_lost()

    def _tell(self, what: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(what, *arguments)


def sounddevice() -> Any:
    """The module, where it is installed and PortAudio starts. Raises NoSound."""
    try:
        return importlib.import_module("sounddevice")
    except OSError:
        raise NoSound(
            "The PortAudio library, which the microphone needs, is not installed "
            "(Debian: apt install libportaudio2; macOS and Windows have it)."
        ) from None
    except ImportError:
        raise NoSound(
            "The Python package sounddevice, which the microphone needs, is missing: "
            "run `make setup`."
        ) from None
    except Exception as e:
        # It starts PortAudio when imported, whose own error, a plain Exception, has no name before.
        raise NoSound(f"PortAudio does not start on this machine ({_reason(e)}).") from e


def _frame(pcm: bytes) -> rtc.AudioFrame:
    return rtc.AudioFrame(pcm, SAMPLE_RATE_HZ, 1, FRAME_SAMPLES)


def _reason(error: Exception) -> str:
    """PortAudio's own words, on one line."""
    return " ".join(str(error.args[0] if error.args else error).split()).rstrip(".")
