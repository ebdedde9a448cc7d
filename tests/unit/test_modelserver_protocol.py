"""The frames: whatever comes is frames or one ProtocolError, however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.modelserver.protocol import (
    MAX_PAYLOAD_BYTES,
    Frame,
    FrameDecoder,
    Kind,
    ProtocolError,
    encode,
)

frames = st.builds(
    Frame,
    st.sampled_from(Kind),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=200),
)


def _bytes_of(sent: list[Frame]) -> bytes:
    return b"".join(encode(frame.kind, frame.session, frame.payload) for frame in sent)


def _decode(decoder: FrameDecoder, stream: bytes, cuts: list[int]) -> list[Frame]:
    ends = sorted({min(cut, len(stream)) for cut in cuts} | {len(stream)})
    received: list[Frame] = []
    begin = 0
    for end in ends:
        received += decoder.feed(stream[begin:end])
        begin = end
    return received


@given(st.lists(frames, max_size=6), st.lists(st.integers(0, 1300), max_size=20))
def test_frames_come_out_as_they_went_in_however_they_are_cut(
    sent: list[Frame], cuts: list[int]
) -> None:
    decoder = FrameDecoder()
    assert _decode(decoder, _bytes_of(sent), cuts) == sent
    assert not decoder.is_in_frame


@given(st.lists(frames, min_size=1, max_size=3), st.data())
def test_an_unfinished_frame_waits_for_its_rest(sent: list[Frame], data: st.DataObject) -> None:
    stream = _bytes_of(sent)
    last = _bytes_of(sent[-1:])
    missing = data.draw(st.integers(1, len(last)))
    decoder = FrameDecoder()
    assert decoder.feed(stream[:-missing]) == sent[:-1]
    assert decoder.is_in_frame is (missing < len(last))
    assert decoder.feed(stream[-missing:]) == sent[-1:]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=10))
def test_any_bytes_are_frames_or_a_protocol_error(stream: bytes, cuts: list[int]) -> None:
    decoder = FrameDecoder()
    try:
        _decode(decoder, stream, cuts)
    except ProtocolError as e:
        assert str(e)
        with pytest.raises(ProtocolError):
            decoder.feed(b"")


@given(st.lists(frames, min_size=1, max_size=3), st.data())
def test_a_changed_byte_is_another_frame_or_a_protocol_error(
    sent: list[Frame], data: st.DataObject
) -> None:
    stream = bytearray(_bytes_of(sent))
    stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    decoder = FrameDecoder()
    try:
        received = decoder.feed(bytes(stream))
    except ProtocolError:
        return
    assert len(received) <= len(sent) + 20  # a shorter length may turn a payload into frames


@pytest.mark.parametrize(
    ("stream", "says"),
    [
        (b"GET / HTTP/1.1\r\n", "does not speak the protocol"),
        (b"X", "does not speak the protocol"),
        (b"PM\x02" + encode(Kind.PING)[3:], "speaks version 2 of the protocol, this one 1"),
        (b"PM\x01\xee" + encode(Kind.PING)[4:], "no frame of kind 238"),
        (b"PM\x01\x05\0\0\0\x01\xff\xff\xff\xff", "announces 4294967295 bytes"),
    ],
)
def test_what_is_no_frame_is_named_in_a_sentence(stream: bytes, says: str) -> None:
    with pytest.raises(ProtocolError, match=says):
        FrameDecoder().feed(stream)


def test_a_frame_that_announces_too_much_is_refused_before_it_comes() -> None:
    decoder = FrameDecoder(max_payload_bytes=10)
    assert decoder.feed(encode(Kind.AUDIO, 1, bytes(10)))
    with pytest.raises(ProtocolError, match="10 are allowed"):
        decoder.feed(encode(Kind.AUDIO, 1, bytes(11))[:12])


def test_a_payload_beyond_the_limit_is_not_sent() -> None:
    with pytest.raises(ProtocolError):
        encode(Kind.AUDIO, 1, bytes(MAX_PAYLOAD_BYTES + 1))
