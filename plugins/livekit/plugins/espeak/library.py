"""espeak-ng through ctypes: one library a process, one speaker at a time."""

from __future__ import annotations

import ctypes
import difflib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from livekit.plugins.speechcore import EngineBusy, EngineError

_CHUNK_MS = 60
_MAX_DATA_PATH_BYTES = 159
"""espeak-ng keeps the path in 160 bytes and silently looks elsewhere when it does not fit."""

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 1 << 15
"""Without it the library ends the process when it finds no data."""

_CHARS_UTF8 = 1
_END_PAUSE = 0x1000
_RATE, _VOLUME, _PITCH = 1, 2, 3
_VOLUME_WITH_HEADROOM = 50
"""At 100, the library's default, some of its voices clip."""

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True, slots=True)
class Speaker:
    """How a text is read: a voice the library knows by this name, and its parameters."""

    voice: str
    rate_wpm: int
    pitch: int


@dataclass(frozen=True, slots=True)
class _Voice:
    name: str
    identifier: str
    languages: tuple[tuple[int, str], ...]
    """Each with its priority: the voice with the lowest is the one for the language."""


class _VoiceRecord(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


class Library:
    """The loaded library. Its state is global, so a lock lets one synthesis in at a time.

    Stays loaded until the process ends: it has no threads of its own and loads in 5 ms, while
    terminating it would pull it from under every other engine of the process.
    """

    def __init__(self) -> None:
        """Raises EngineError when the library or its data cannot be used."""
        library_path, data_path = _locate()
        self._data_path = data_path
        self._lock = threading.Lock()
        self._speaker: Speaker | None = None
        self._sink: Callable[[bytes], bool] | None = None
        # The library keeps the address: the object must live as long as it does.
        self._callback = _Callback(self._on_audio)
        self._api = _open(library_path)
        self.sample_rate_hz = _initialise(self._api, data_path)
        self._api.espeak_SetSynthCallback(self._callback)

    @cached_property
    def voices(self) -> tuple[str, ...]:
        """The language names of all voices, sorted."""
        return tuple(sorted({name for voice in self._voices for _, name in voice.languages}))

    @cached_property
    def variants(self) -> tuple[str, ...]:
        """What may follow a voice after "+", such as "f3"."""
        return tuple(sorted(path.name for path in (self._data_path / "voices" / "!v").iterdir()))

    def find_voice(self, wanted: str) -> str:
        """The library's own name of a voice given by language ("en-gb"), file or full name.

        "en-us+f3" adds a variant. Raises EngineError for what the library does not have.
        """
        base, plus, variant = wanted.strip().replace("_", "-").partition("+")
        variants = {name.lower(): name for name in self.variants}
        if plus and variant.lower() not in variants:
            some = ", ".join(self._like(variant, self.variants))
            raise EngineError(f"espeak has no voice variant {variant!r}; it has {some}, ...")
        identifier = self._by_language(base.lower()) or self._by_name(base.lower())
        if identifier is None:
            some = ", ".join(self._like(base, self.voices))
            raise EngineError(f"espeak has no voice {wanted!r}; it has {some}, ...")
        return f"{identifier}+{variants[variant.lower()]}" if plus else identifier

    def speak(
        self,
        text: str,
        speaker: Speaker,
        sink: Callable[[bytes], bool],
        *,
        busy_timeout_s: float,
    ) -> None:
        """Reads `text` out, handing every 60 ms of mono PCM to `sink` until that returns False.

        Blocks; raises EngineBusy when another text is being read for longer than
        `busy_timeout_s`, EngineError when the library refuses.
        """
        if not self._lock.acquire(timeout=busy_timeout_s):
            raise EngineBusy(f"espeak was taken by another text for {busy_timeout_s:g} s")
        try:
            self._become(speaker)
            self._sink = sink
            encoded = text.encode()
            code = self._api.espeak_Synth(
                encoded, len(encoded) + 1, 0, 0, 0, _CHARS_UTF8 | _END_PAUSE, None, None
            )
            if code != 0:
                raise EngineError(f"espeak could not read the text (code {code})")
        finally:
            self._sink = None
            self._lock.release()

    def _become(self, speaker: Speaker) -> None:
        """Costs 0.3 ms, and 60 ms the first time a language's dictionary is read."""
        if self._speaker == speaker:
            return
        self._speaker = None
        if self._api.espeak_SetVoiceByName(speaker.voice.encode()) != 0:
            raise EngineError(f"espeak cannot load its voice {speaker.voice!r}")
        self._api.espeak_SetParameter(_RATE, speaker.rate_wpm, 0)
        self._api.espeak_SetParameter(_PITCH, speaker.pitch, 0)
        self._api.espeak_SetParameter(_VOLUME, _VOLUME_WITH_HEADROOM, 0)
        self._speaker = speaker

    def _on_audio(self, pcm_address: int | None, length_samples: int, _events: int | None) -> int:
        """Called by the library in the thread that speaks; 1 makes it stop."""
        sink = self._sink
        if sink is None:
            return 1
        pcm = b"" if pcm_address is None else ctypes.string_at(pcm_address, length_samples * 2)
        return 0 if sink(pcm) else 1

    @cached_property
    def _voices(self) -> tuple[_Voice, ...]:
        with self._lock:
            return tuple(_list_voices(self._api))

    def _by_language(self, language: str) -> str | None:
        speaking = [
            (priority, voice.identifier)
            for voice in self._voices
            for priority, name in voice.languages
            if name.lower() == language
        ]
        return min(speaking)[1] if speaking else None

    def _by_name(self, wanted: str) -> str | None:
        for voice in self._voices:
            file_name = voice.identifier.rpartition("/")[2].lower()
            if wanted in (voice.name.lower(), voice.identifier.lower(), file_name):
                return voice.identifier
        return None

    @staticmethod
    def _like(wanted: str, available: tuple[str, ...]) -> list[str]:
        close = difflib.get_close_matches(wanted.lower(), available, n=6, cutoff=0.5)
        common = ("en-us", "en-gb", "de", "es", "fr-fr", "it", "f2", "m3")
        return list(dict.fromkeys([*close, *(name for name in common if name in available)]))[:8]


class _Loader:
    """Loads the library when it is first needed, never at import: imports must be fork-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._library: Library | None = None

    def __call__(self) -> Library:
        with self._lock:
            if self._library is None:
                self._library = Library()
            return self._library


load = _Loader()
"""Returns the process's library. Raises EngineError when it cannot be loaded."""


def _locate() -> tuple[str, Path]:
    try:
        import espeakng_loader
    except ImportError as e:
        raise EngineError(
            "the espeak voice needs the espeakng-loader package: pip install 'parley-agent[embedded]'"
        ) from e
    try:
        return espeakng_loader.get_library_path(), Path(espeakng_loader.get_data_path())
    except RuntimeError as e:
        raise EngineError(
            "the espeakng-loader package is incomplete: pip install --force-reinstall espeakng-loader"
        ) from e


def _open(library_path: str) -> ctypes.CDLL:
    try:
        api = ctypes.CDLL(library_path)
    except OSError as e:
        raise EngineError(f"the espeak-ng library does not load on this machine: {e}") from e
    number, text = ctypes.c_int, ctypes.c_char_p
    api.espeak_Initialize.argtypes = (number, number, text, number)
    api.espeak_SetSynthCallback.argtypes = (_Callback,)
    api.espeak_SetSynthCallback.restype = None
    api.espeak_SetVoiceByName.argtypes = (text,)
    api.espeak_SetParameter.argtypes = (number, number, number)
    api.espeak_ListVoices.argtypes = (ctypes.c_void_p,)
    api.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceRecord))
    unsigned, pointer = ctypes.c_uint, ctypes.c_void_p
    api.espeak_Synth.argtypes = (
        text,
        ctypes.c_size_t,
        unsigned,
        number,
        unsigned,
        unsigned,
        pointer,
        pointer,
    )
    return api


def _initialise(api: ctypes.CDLL, data_path: Path) -> int:
    encoded = str(data_path).encode()
    if len(encoded) > _MAX_DATA_PATH_BYTES:
        raise EngineError(
            f"espeak-ng cannot read its data from a path longer than {_MAX_DATA_PATH_BYTES} bytes"
            f" ({data_path}): move the Python environment to a shorter one"
        )
    rate_hz = int(
        api.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, _CHUNK_MS, encoded, _INITIALIZE_DONT_EXIT)
    )
    if rate_hz <= 0:
        raise EngineError(
            f"espeak-ng finds no usable data in {data_path}:"
            " pip install --force-reinstall espeakng-loader"
        )
    return rate_hz


def _list_voices(api: ctypes.CDLL) -> Iterator[_Voice]:
    records = api.espeak_ListVoices(None)
    index = 0
    while records[index]:
        record = records[index].contents
        identifier = record.identifier.decode()
        if not identifier.startswith("mb/"):  # these need mbrola, which is not here
            yield _Voice(record.name.decode().strip(), identifier, _languages(record.languages))
        index += 1


def _languages(address: int) -> tuple[tuple[int, str], ...]:
    """A priority byte and a name, again and again, until a zero byte."""
    languages: list[tuple[int, str]] = []
    while priority := ctypes.string_at(address, 1)[0]:
        name = ctypes.string_at(address + 1)
        languages.append((priority, name.decode()))
        address += len(name) + 2
    return tuple(languages)
