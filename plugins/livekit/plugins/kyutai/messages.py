"""What moshi-server and its callers tell each other: msgpack maps with a `type`.

Read from kyutai-labs/moshi, rust/moshi-server/src (asr.rs, batched_asr.rs, tts.rs, py_module.rs).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np
from livekit.plugins.speechcore import EngineError, from_floats
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 24_000
FRAME_SAMPLES = 1920
FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
"""80 ms: what the models take and give at a time."""

_LONGEST_TEXT = 2_000
_LATEST_S = 1e7
_MOST_SCORES = 64


class BadMessage(EngineError):
    """Something that is no message of moshi-server."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A place of the server's batch is the caller's now."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An error, in the server's own words."""

    message: str


@dataclass(frozen=True, slots=True)
class HeardWord:
    """Seconds are of the sound that this caller has sent."""

    text: str
    start_s: float


@dataclass(frozen=True, slots=True)
class WordEnded:
    """The newest word has."""

    stop_s: float


@dataclass(frozen=True, slots=True)
class Step:
    """A frame was heard. Only models with a semantic VAD say so."""

    scores: tuple[float, ...]
    """That this is a pause of 0.5, 1, 2 and 3 s, each 0..1."""


@dataclass(frozen=True, slots=True)
class MarkerReached:
    """All that was sent before the marker is transcribed."""

    number: int


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono int16 PCM at 24 kHz."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """Comes before its sound; seconds from the first sample of the text."""

    text: str
    start_s: float
    stop_s: float


Message = Ready | Refused | HeardWord | WordEnded | Step | MarkerReached | Sound | SpokenWord


def unpack(data: bytes) -> Message | None:
    """None for a type that is not known. Raises BadMessage."""
    try:
        fields = msgpack.unpackb(data, raw=False, strict_map_key=True)
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as e:
        raise BadMessage("the server of Kyutai's models sends what is no msgpack") from e
    if not isinstance(fields, Mapping):
        raise BadMessage("the server of Kyutai's models sends something that is no message")
    return _message(fields)


def _message(fields: Mapping[Any, Any]) -> Message | None:
    match fields.get("type"):
        case "Ready":
            return Ready()
        case "Error":
            return Refused(_text(fields, "message"))
        case "Word":
            return HeardWord(_text(fields, "text").strip(), _seconds(fields, "start_time"))
        case "EndWord":
            return WordEnded(_seconds(fields, "stop_time"))
        case "Step":
            return Step(_scores(fields))
        case "Marker":
            return MarkerReached(_whole(fields, "id"))
        case "Audio":
            return Sound(_pcm(fields))
        case "Text":
            start_s, stop_s = (_seconds(fields, name) for name in ("start_s", "stop_s"))
            return SpokenWord(_text(fields, "text"), start_s, max(start_s, stop_s))
        case _:
            return None


def pack_sound(samples: NDArray[np.float32]) -> bytes:
    """Samples from -1 to 1 at 24 kHz."""
    message = {"type": "Audio", "pcm": samples.tolist()}
    return _pack(message)


def pack_marker(number: int) -> bytes:
    return _pack({"type": "Marker", "id": number})


def pack_text(words: str) -> bytes:
    return _pack({"type": "Text", "text": words})


def pack_end() -> bytes:
    """No more text will come."""
    return _pack({"type": "Eos"})


def to_floats(pcm: bytes) -> NDArray[np.float32]:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0


def _pack(message: Mapping[str, Any]) -> bytes:
    packed: bytes = msgpack.packb(message, use_bin_type=True, use_single_float=True)
    return packed


def _text(fields: Mapping[Any, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise _bad(fields)
    return value


def _seconds(fields: Mapping[Any, Any], name: str) -> float:
    value = fields.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise _bad(fields)
    if not math.isfinite(value) or abs(value) > _LATEST_S:
        raise _bad(fields)
    return max(0.0, float(value))


def _whole(fields: Mapping[Any, Any], name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _bad(fields)
    return value


def _scores(fields: Mapping[Any, Any]) -> tuple[float, ...]:
    values = fields.get("prs")
    if not isinstance(values, list) or len(values) > _MOST_SCORES:
        raise _bad(fields)
    if not all(isinstance(value, float) and math.isfinite(value) for value in values):
        raise _bad(fields)
    return tuple(min(1.0, max(0.0, value)) for value in values)


def _pcm(fields: Mapping[Any, Any]) -> bytes:
    values = fields.get("pcm")
    if not isinstance(values, list) or not all(isinstance(value, (int, float)) for value in values):
        raise _bad(fields)
    with np.errstate(over="ignore"):
        return from_floats(np.array(values, dtype=np.float64))


def _bad(fields: Mapping[Any, Any]) -> BadMessage:
    kind = fields.get("type")
    return BadMessage(f"the server of Kyutai's models sends a {kind} that makes no sense")
