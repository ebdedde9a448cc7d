"""What is in the frames' payloads: JSON for what is said about speech, raw PCM for the speech.

Everything that comes from the wire is checked; what does not fit raises ProtocolError.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from livekit.plugins.speechcore import BYTES_PER_SAMPLE, SpeechChunk, Transcript, Voicing, Word

from .protocol import MAX_PAYLOAD_BYTES, ProtocolError

LONGEST_TEXT = 20_000
"""Characters of one SPEAK: some twenty minutes."""

_LONGEST_DEADLINE_S = 600.0
_LONGEST_TIME_S = 1e7
_CHUNK_HEADER = struct.Struct(">I")
_LARGEST_PIECE_BYTES = MAX_PAYLOAD_BYTES // 4
"""Of one chunk's sound: a long one must not keep other sessions' frames waiting."""


class FaultKind(StrEnum):
    """Why a session has ended; the first three are the errors of an engine."""

    BUSY = "busy"
    ENGINE = "engine"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class Fault:
    """Payload of ERROR and AT_CAPACITY."""

    kind: FaultKind
    sentence: str

    def to_payload(self) -> bytes:
        return to_json({"kind": self.kind, "sentence": self.sentence})

    @classmethod
    def from_payload(cls, payload: bytes) -> Fault:
        fields = _Fields(payload)
        try:
            kind = FaultKind(fields.text("kind"))
        except ValueError as e:
            raise ProtocolError("there is no such kind of error") from e
        return cls(kind, fields.text("sentence"))


@dataclass(frozen=True, slots=True)
class Hello:
    """Payload of HELLO."""

    token: str

    def to_payload(self) -> bytes:
        return to_json({"token": self.token})

    @classmethod
    def from_payload(cls, payload: bytes) -> Hello:
        return cls(_Fields(payload).text("token", ""))


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """Payload of OPEN: a recogniser session is wanted."""

    engine: str
    sample_rate_hz: int
    """What the caller will send; refused when the engine hears another rate."""
    timeout_s: float
    """For each step, from when it is wanted to its answer."""
    language: str | None = None

    def to_payload(self) -> bytes:
        return to_json(
            {
                "engine": self.engine,
                "rate": self.sample_rate_hz,
                "timeout": self.timeout_s,
                "language": self.language,
            }
        )

    @classmethod
    def from_payload(cls, payload: bytes) -> OpenRequest:
        fields = _Fields(payload)
        return cls(
            engine=fields.text("engine"),
            sample_rate_hz=fields.rate("rate"),
            timeout_s=fields.number("timeout", 0.001, _LONGEST_DEADLINE_S),
            language=fields.optional_text("language"),
        )


@dataclass(frozen=True, slots=True)
class SpeakRequest:
    """Payload of SPEAK: a text is to be spoken."""

    engine: str
    sample_rate_hz: int
    """What the caller expects; refused when the engine speaks at another rate."""
    timeout_s: float
    """For each chunk."""
    text: str
    voicing: Voicing
    lead_s: float = 0.0
    """How much the caller still has to play before this text is needed."""

    def to_payload(self) -> bytes:
        return to_json(
            {
                "engine": self.engine,
                "rate": self.sample_rate_hz,
                "timeout": self.timeout_s,
                "text": self.text,
                "voice": self.voicing.voice,
                "language": self.voicing.language,
                "speed": self.voicing.speed,
                "lead": self.lead_s,
            }
        )

    @classmethod
    def from_payload(cls, payload: bytes) -> SpeakRequest:
        fields = _Fields(payload)
        text = fields.text("text")
        if len(text) > LONGEST_TEXT:
            raise ProtocolError(
                f"a text of {len(text)} characters is too long to speak at once:"
                f" {LONGEST_TEXT} are allowed"
            )
        return cls(
            engine=fields.text("engine"),
            sample_rate_hz=fields.rate("rate"),
            timeout_s=fields.number("timeout", 0.001, _LONGEST_DEADLINE_S),
            text=text,
            voicing=Voicing(
                voice=fields.optional_text("voice"),
                language=fields.optional_text("language"),
                speed=fields.number("speed", 0.01, 100.0),
            ),
            lead_s=fields.number("lead", 0.0, _LONGEST_TIME_S),
        )


def transcript_to_payload(transcript: Transcript) -> bytes:
    """Raises ValueError for numbers that are none."""
    return to_json(
        {
            "text": transcript.text,
            "words": _words_to_json(transcript.words),
            "confidence": transcript.confidence,
            "settled": transcript.is_settled,
            "language": transcript.language,
            "pause_score": transcript.pause_score,
        }
    )


def transcript_from_payload(payload: bytes) -> Transcript:
    fields = _Fields(payload)
    return Transcript(
        text=fields.text("text"),
        words=_words_from_json(fields.values.get("words")),
        confidence=fields.number("confidence", 0.0, 1.0),
        is_settled=fields.flag("settled"),
        language=fields.text("language"),
        pause_score=fields.optional_number("pause_score", 0.0, 1.0),
    )


def chunk_to_payloads(chunk: SpeechChunk) -> list[bytes]:
    """One payload, or several for a long sound. Raises ValueError for numbers that are none.

    A payload is the length of the words' JSON (4 bytes), the words, the PCM.
    """
    words = to_json(_words_to_json(chunk.words)) if chunk.words else b""
    pieces = [
        chunk.pcm[start : start + _LARGEST_PIECE_BYTES]
        for start in range(0, len(chunk.pcm), _LARGEST_PIECE_BYTES)
    ] or [b""]
    first = _CHUNK_HEADER.pack(len(words)) + words + pieces[0]
    return [first, *(_CHUNK_HEADER.pack(0) + piece for piece in pieces[1:])]


def chunk_from_payload(payload: bytes) -> SpeechChunk:
    if len(payload) < _CHUNK_HEADER.size:
        raise ProtocolError("a chunk of speech without its header")
    (words_bytes,) = _CHUNK_HEADER.unpack_from(payload)
    start = _CHUNK_HEADER.size + words_bytes
    if start > len(payload):
        raise ProtocolError("the words of a chunk of speech are longer than the chunk")
    words = _words_from_json(from_json(payload[_CHUNK_HEADER.size : start])) if words_bytes else ()
    return SpeechChunk(checked_pcm(payload[start:]), words)


def checked_pcm(pcm: bytes) -> bytes:
    """The same, if it can be int16 samples."""
    if len(pcm) % BYTES_PER_SAMPLE:
        raise ProtocolError(f"{len(pcm)} bytes are not a whole number of samples of 16 bits")
    return pcm


def count_to_payload(count: int) -> bytes:
    return _CHUNK_HEADER.pack(count)


def count_from_payload(payload: bytes) -> int:
    if len(payload) != _CHUNK_HEADER.size:
        raise ProtocolError("a count that is not 4 bytes long")
    return int(_CHUNK_HEADER.unpack(payload)[0])


def to_json(value: object) -> bytes:
    """Raises ValueError for numbers that JSON does not know."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def from_json(payload: bytes) -> Any:
    try:
        return json.loads(payload, parse_constant=_no_number)
    except (ValueError, RecursionError) as e:
        raise ProtocolError("a payload is not JSON") from e


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _words_to_json(words: Sequence[Word]) -> list[list[str | float]]:
    return [[word.text, word.start_s, word.end_s] for word in words]


def _words_from_json(value: object) -> tuple[Word, ...]:
    if not isinstance(value, list):
        raise ProtocolError("the words of a transcript are no list")
    return tuple(_word_from_json(item) for item in value)


def _word_from_json(value: object) -> Word:
    match value:
        case [str(text), start_s, end_s]:
            return Word(text, _number(start_s, "a word's begin"), _number(end_s, "a word's end"))
    raise ProtocolError("a word is not a text and two times")


def _number(
    value: object, name: str, low: float = -_LONGEST_TIME_S, high: float = _LONGEST_TIME_S
) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ProtocolError(f"{name} must be a number from {low:g} to {high:g}")
    return float(value)


class _Fields:
    """The fields of a JSON object, each checked as it is read."""

    def __init__(self, payload: bytes) -> None:
        values = from_json(payload)
        if not isinstance(values, dict):
            raise ProtocolError("a payload is not a JSON object")
        self.values: dict[str, Any] = values

    def text(self, name: str, default: str | None = None) -> str:
        value = self.values.get(name, default)
        if not isinstance(value, str):
            raise ProtocolError(f"{name} must be a text")
        try:
            value.encode()
        except UnicodeEncodeError as e:  # half of a pair, "\ud83d": engines choke on it
            raise ProtocolError(f"{name} is not a text of Unicode characters") from e
        return value

    def optional_text(self, name: str) -> str | None:
        return None if self.values.get(name) is None else self.text(name)

    def number(self, name: str, low: float, high: float) -> float:
        return _number(self.values.get(name), name, low, high)

    def optional_number(self, name: str, low: float, high: float) -> float | None:
        return None if self.values.get(name) is None else self.number(name, low, high)

    def rate(self, name: str) -> int:
        return math.floor(self.number(name, 1_000, 384_000))

    def flag(self, name: str) -> bool:
        value = self.values.get(name)
        if not isinstance(value, bool):
            raise ProtocolError(f"{name} must be true or false")
        return value
