"""evals.phone.rtp: packets as RFC 3550 and RFC 4733 have them."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from evals.ear.microphone import decode_mu_law
from evals.phone.rtp import FRAME_SAMPLES, KEY, KEY_S, SOUND, Packet, Stream, key_events

QUIET = np.zeros(FRAME_SAMPLES, dtype=np.int16)


def packets(stream: Stream, count: int) -> list[Packet]:
    return [stream.next_packet(QUIET) for _ in range(count)]


def test_a_packet_is_laid_out_as_the_standard_says() -> None:
    packet = Packet(payload_type=0, sequence=258, timestamp=3, ssrc=4, payload=b"\xff", marker=True)
    assert packet.to_bytes() == bytes.fromhex("80 80 0102 00000003 00000004 ff")
    assert Packet.parse(packet.to_bytes()) == packet


def test_sources_extensions_and_padding_are_no_sound() -> None:
    head = bytes.fromhex("b2 00 0001 00000002 00000003")
    sources, extension = b"\1" * 8, bytes.fromhex("bede 0001") + b"\2" * 4
    data = head + sources + extension + b"sound" + b"\0\0\3"
    assert Packet.parse(data).payload == b"sound"


@pytest.mark.parametrize("data", [b"", b"\x80" * 11, b"\x40" * 20, b"\x8f" + b"\0" * 15])
def test_what_is_no_packet_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="RTP packet"):
        Packet.parse(data)


def test_sound_goes_on_without_a_seam_and_around_the_end_of_the_counters() -> None:
    stream = Stream(ssrc=7, sequence=0xFFFF, timestamp=0xFFFFFFFF)
    first, second = packets(stream, 2)
    assert (first.sequence, second.sequence) == (0xFFFF, 0)
    assert second.timestamp == FRAME_SAMPLES - 1
    assert (first.marker, second.marker) == (True, False)
    assert {first.payload_type, second.payload_type} == {SOUND}


def test_the_sound_of_a_packet_is_what_was_said() -> None:
    said = np.linspace(-20_000, 20_000, FRAME_SAMPLES).astype(np.int16)
    payload = Stream(ssrc=1).next_packet(said).payload
    heard = decode_mu_law(np.frombuffer(payload, dtype=np.uint8))
    assert np.abs(heard.astype(int) - said).max() < 600


def test_a_key_has_one_timestamp_a_growing_duration_and_three_ends() -> None:
    stream = Stream(ssrc=1)
    packets(stream, 3)
    stream.press("#")
    pressed = packets(stream, 9)
    keys, after = pressed[:8], pressed[8]
    assert {packet.payload_type for packet in keys} == {KEY}
    assert {packet.timestamp for packet in keys} == {3 * FRAME_SAMPLES}
    assert [packet.marker for packet in keys] == [True] + [False] * 7
    events = [struct.unpack("!BBH", packet.payload) for packet in keys]
    assert {code for code, _, _ in events} == {11}
    assert [flags >> 7 for _, flags, _ in events] == [0] * 5 + [1] * 3
    held = [duration for _, _, duration in events]
    assert held == [160, 320, 480, 640, 800, 800, 800, 800]
    assert held[-1] == KEY_S * 8000
    assert (after.payload_type, after.timestamp) == (SOUND, 11 * FRAME_SAMPLES)
    assert [packet.sequence for packet in pressed] == list(range(3, 12))


def test_two_keys_are_two_events_even_when_they_are_the_same() -> None:
    stream = Stream(ssrc=1)
    stream.press("1")
    first = packets(stream, 9)[0]
    stream.press("1")
    second = packets(stream, 1)[0]
    assert first.timestamp != second.timestamp


def test_one_key_at_a_time_and_only_those_there_are() -> None:
    stream = Stream(ssrc=1)
    for key in ("", "12", "x"):
        with pytest.raises(ValueError, match="no key"):
            stream.press(key)
    stream.press("1")
    with pytest.raises(ValueError, match="another key"):
        stream.press("2")
    assert len(key_events("D")) == 8
