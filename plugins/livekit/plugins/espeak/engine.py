"""espeak-ng as a `Synthesiser`: a voice without any download that answers in a millisecond."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from queue import SimpleQueue

from livekit.plugins.speechcore import DEFAULT_VOICING, EngineError, SpeechChunk, Voicing

from . import library
from .level import SilenceTrimmer, amplify, speech_level_dbfs
from .text import speakable, split_units

TARGET_DBFS = -20.0
_CALIBRATION_TEXT = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10. A, E, I, O, U."
"""Every language reads digits in its own words."""

_gains: dict[str, float] = {}
"""By voice: what brings it to the target level. Of all engines of a process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EspeakOptions:
    """How it speaks. Raises EngineError for values out of range."""

    voice: str = "en-us"
    """A language ("en", "en-gb", "de"), or a voice's name; "+f3" and the like add a variant."""

    rate_wpm: int = 165
    """Words a minute, 80..450. The library's own default, 175, is hard to follow in a call."""

    pitch: int = 50
    """0..99."""

    volume: float = 1.0
    """Relative to speech at -20 dBFS, above 0 and at most 2."""

    busy_timeout_s: float = 5.0
    """How long to wait while the process reads another text."""

    def __post_init__(self) -> None:
        for name, low, high in (("rate_wpm", 80, 450), ("pitch", 0, 99), ("volume", 0.01, 2)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise EngineError(f"espeak's {name} must be {low}..{high}, not {value}")


class Espeak:
    """A voice. Several may share a process; they take turns, a sentence or two at a time."""

    def __init__(self, options: EspeakOptions | None = None) -> None:
        """Blocks for some 60 ms. Raises EngineError for a voice that is not there or is mute."""
        self._library = library.load()
        self._is_closed = threading.Event()
        self.update_options(options or EspeakOptions())
        self._gain(self._speaker)

    @property
    def model(self) -> str:
        return "espeak-ng"

    @property
    def sample_rate_hz(self) -> int:
        return self._library.sample_rate_hz

    @property
    def options(self) -> EspeakOptions:
        return self._options

    def update_options(self, options: EspeakOptions) -> None:
        """Holds from the next text on. Raises EngineError for an unknown voice."""
        voice = self._library.find_voice(options.voice)
        self._speaker = library.Speaker(voice, options.rate_wpm, options.pitch)
        self._options = options

    def steps(
        self, text: str, voicing: Voicing = DEFAULT_VOICING
    ) -> Generator[SpeechChunk, None, None]:
        """Yields up to 60 ms of speech at a time, as it is made; nothing for no words.

        Starts with sound and ends with a pause of at most 200 ms, so that sentences read one
        after the other do not run into each other. Closing the iterator stops the library at
        its next callback. Raises EngineError, EngineBusy.
        """
        if self._is_closed.is_set():
            raise EngineError("this espeak voice is closed")
        options, speaker = self._options, self._speaker_of(voicing)
        gain = self._gain(speaker) * options.volume
        trimmer = SilenceTrimmer(self.sample_rate_hz)
        for unit in split_units(speakable(text)):
            for pcm in self._read(unit, speaker, options.busy_timeout_s):
                if ready := trimmer.process(amplify(pcm, gain)):
                    yield SpeechChunk(ready)
        if tail := trimmer.finish():
            yield SpeechChunk(tail)

    def close(self) -> None:
        """Stops what is being read at the next callback; harmless when repeated."""
        self._is_closed.set()

    def _read(
        self, unit: str, speaker: library.Speaker, busy_timeout_s: float
    ) -> Generator[bytes, None, None]:
        """The library calls back, the consumer pulls: a thread turns one into the other.

        The thread never waits for the consumer, so a slow one cannot keep the library from
        others; what waits in the queue is one unit at most, a megabyte.
        """
        reading = _Reading(self._library, unit, speaker, busy_timeout_s, self._is_closed)
        reading.start()
        try:
            yield from reading.chunks()
        finally:
            reading.stop()

    def _speaker_of(self, voicing: Voicing) -> library.Speaker:
        """The set voice, or the one that is asked for. Raises EngineError for an unknown one."""
        if wanted := voicing.voice or voicing.language:
            voice = self._library.find_voice(wanted)
        elif voicing.speed == 1.0:
            return self._speaker
        else:
            voice = self._speaker.voice
        rate_wpm = round(self._options.rate_wpm * voicing.speed)
        return library.Speaker(voice, rate_wpm, self._options.pitch)

    def _gain(self, speaker: library.Speaker) -> float:
        """What brings this voice to the target level; heard once, then remembered."""
        gain = _gains.get(speaker.voice)
        if gain is None:
            pcm = b"".join(self._read(_CALIBRATION_TEXT, speaker, self._options.busy_timeout_s))
            level_dbfs = speech_level_dbfs(pcm, self.sample_rate_hz)
            if level_dbfs < -60:
                raise EngineError(
                    f"espeak's voice {speaker.voice!r} is mute: the espeakng-loader package lacks"
                    " its dictionary; choose another"
                )
            gain = float(10 ** ((TARGET_DBFS - level_dbfs) / 20))
            _gains[speaker.voice] = gain
        return gain


class _Reading:
    """One unit being read on a thread of its own."""

    def __init__(
        self,
        owner: library.Library,
        unit: str,
        speaker: library.Speaker,
        busy_timeout_s: float,
        is_closed: threading.Event,
    ) -> None:
        self._library = owner
        self._unit = unit
        self._speaker = speaker
        self._busy_timeout_s = busy_timeout_s
        self._is_closed = is_closed
        self._is_stopped = threading.Event()
        self._chunks: SimpleQueue[bytes | EngineError | None] = SimpleQueue()
        # Not a daemon: one that is inside the library when the interpreter ends would crash it.
        self._thread = threading.Thread(target=self._run, name="espeak-reading")

    def start(self) -> None:
        try:
            self._thread.start()
        except RuntimeError as e:
            raise EngineError("no thread can be started any more to speak on") from e

    def chunks(self) -> Iterator[bytes]:
        while (chunk := self._chunks.get()) is not None:
            if isinstance(chunk, EngineError):
                raise chunk
            yield chunk

    def stop(self) -> None:
        """Returns when the thread has ended, one callback from now."""
        self._is_stopped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._library.speak(
                self._unit, self._speaker, self._take, busy_timeout_s=self._busy_timeout_s
            )
        except EngineError as e:
            self._chunks.put(e)
        finally:
            self._chunks.put(None)

    def _take(self, pcm: bytes) -> bool:
        if self._is_stopped.is_set() or self._is_closed.is_set():
            return False
        if pcm:
            self._chunks.put(pcm)
        return True


def voices() -> list[str]:
    """The names `EspeakOptions.voice` takes. Raises EngineError when espeak-ng is not there."""
    return list(library.load().voices)
