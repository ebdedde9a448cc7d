"""The payloads: what goes in comes out, what is malformed is a ProtocolError."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields as fields_of
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.modelserver.messages import (
    LONGEST_TEXT,
    Fault,
    FaultKind,
    Hello,
    OpenRequest,
    SpeakRequest,
    chunk_from_payload,
    chunk_to_payloads,
    count_from_payload,
    count_to_payload,
    transcript_from_payload,
    transcript_to_payload,
)
from livekit.plugins.modelserver.protocol import MAX_PAYLOAD_BYTES, ProtocolError
from livekit.plugins.speechcore import SpeechChunk, Transcript, Voicing, Word

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
times_s = st.floats(-1e6, 1e6)
words = st.builds(Word, texts, times_s, times_s)
transcripts = st.builds(
    Transcript,
    text=texts,
    words=st.lists(words, max_size=4).map(tuple),
    confidence=st.floats(0, 1),
    is_settled=st.booleans(),
    language=texts,
    pause_score=st.none() | st.floats(0, 1),
)
pcm = st.binary(max_size=100).map(lambda some: some + some)
timeouts_s = st.floats(0.001, 600)
rates_hz = st.integers(1_000, 384_000)
names = st.none() | texts

READERS: tuple[Callable[[bytes], object], ...] = (
    Fault.from_payload,
    Hello.from_payload,
    OpenRequest.from_payload,
    SpeakRequest.from_payload,
    transcript_from_payload,
    chunk_from_payload,
    count_from_payload,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
fields = st.dictionaries(
    st.sampled_from(
        ["kind", "sentence", "token", "engine", "rate", "timeout", "language", "text", "voice"]
        + ["speed", "lead", "words", "confidence", "settled", "pause_score"]
    ),
    json_values,
)


def test_every_field_of_a_transcript_crosses_the_wire() -> None:
    given = {"text", "words", "confidence", "is_settled", "language", "pause_score"}
    assert given == {field.name for field in fields_of(Transcript)}


@given(transcripts)
def test_a_transcript_comes_out_as_it_went_in(transcript: Transcript) -> None:
    assert transcript_from_payload(transcript_to_payload(transcript)) == transcript


@given(pcm, st.lists(words, max_size=3).map(tuple))
def test_a_chunk_of_speech_comes_out_as_it_went_in(pcm: bytes, spoken: tuple[Word, ...]) -> None:
    (payload,) = chunk_to_payloads(SpeechChunk(pcm, spoken))
    assert chunk_from_payload(payload) == SpeechChunk(pcm, spoken)


def test_a_long_chunk_goes_in_pieces_that_others_can_pass() -> None:
    whole = SpeechChunk(bytes(range(256)) * 10_000, (Word("long", 0.0, 50.0),))
    payloads = chunk_to_payloads(whole)
    pieces = [chunk_from_payload(payload) for payload in payloads]
    assert b"".join(piece.pcm for piece in pieces) == whole.pcm
    assert [word for piece in pieces for word in piece.words] == list(whole.words)
    assert max(map(len, payloads)) < MAX_PAYLOAD_BYTES / 2


@given(st.builds(OpenRequest, texts, rates_hz, timeouts_s, names))
def test_a_request_to_hear_comes_out_as_it_went_in(request: OpenRequest) -> None:
    assert OpenRequest.from_payload(request.to_payload()) == request


@given(
    st.builds(
        SpeakRequest,
        texts,
        rates_hz,
        timeouts_s,
        texts,
        st.builds(Voicing, voice=names, language=names, speed=st.floats(0.01, 100)),
        st.floats(0, 1e6),
    )
)
def test_a_request_to_speak_comes_out_as_it_went_in(request: SpeakRequest) -> None:
    assert SpeakRequest.from_payload(request.to_payload()) == request


@given(st.builds(Fault, st.sampled_from(FaultKind), texts), texts, st.integers(0, 2**32 - 1))
def test_small_payloads_come_out_as_they_went_in(fault: Fault, token: str, count: int) -> None:
    assert Fault.from_payload(fault.to_payload()) == fault
    assert Hello.from_payload(Hello(token).to_payload()) == Hello(token)
    assert count_from_payload(count_to_payload(count)) == count


@pytest.mark.parametrize("read", READERS)
@given(payload=st.binary(max_size=60) | fields.map(lambda value: json.dumps(value).encode()))
def test_any_payload_is_a_message_or_a_protocol_error(
    read: Callable[[bytes], object], payload: bytes
) -> None:
    try:
        read(payload)
    except ProtocolError as e:
        assert str(e)


def _speak(**changes: Any) -> bytes:
    request = SpeakRequest("voice", 24_000, 1.0, "Hello.", Voicing())
    return json.dumps(json.loads(request.to_payload()) | changes).encode()


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"[" * 100_000, "not JSON"),
        (b'{"timeout": NaN}', "not JSON"),
        (b"[]", "not a JSON object"),
        (_speak(text="x" * 100_000), f"100000 characters is too long.*{LONGEST_TEXT}"),
        (_speak(text="\ud83d"), "Unicode"),
        (_speak(timeout=0), "timeout must be a number from"),
        (_speak(timeout=True), "timeout must be a number from"),
        (_speak(rate=10**400), "rate must be a number from"),
        (_speak(speed="fast"), "speed must be a number"),
        (_speak(engine=None), "engine must be a text"),
    ],
)
def test_a_bad_request_is_refused_with_a_sentence(payload: bytes, says: str) -> None:
    with pytest.raises(ProtocolError, match=says):
        SpeakRequest.from_payload(payload)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_not_sent(number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        transcript_to_payload(Transcript("hm", confidence=number))
    with pytest.raises(ValueError, match="JSON compliant"):
        chunk_to_payloads(SpeechChunk(b"\0\0", (Word("hm", 0.0, number),)))


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ProtocolError, match="samples of 16 bits"):
        chunk_from_payload(count_to_payload(0) + b"abc")
