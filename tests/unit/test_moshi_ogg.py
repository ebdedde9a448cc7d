"""Ogg pages: any packets come back, however they are cut, torn or mixed with something else."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.moshi.ogg import MAX_PACKET_BYTES, OggReader, OggWriter, checksum

packets = st.lists(
    st.binary(max_size=40) | st.integers(200, 700).map(bytes) | st.just(bytes(MAX_PACKET_BYTES)),
    max_size=6,
)


def pages_of(sent: list[bytes], serial: int = 7) -> list[bytes]:
    writer = OggWriter(serial)
    return [writer.page(packet, number * 960) for number, packet in enumerate(sent)]


def read(stream: bytes, cuts: list[int] | None = None) -> list[bytes]:
    reader, begin, got = OggReader(), 0, []
    for end in sorted({min(cut, len(stream)) for cut in cuts or []} | {len(stream)}):
        got += reader.push(stream[begin:end])
        begin = end
    return got


@given(packets, st.lists(st.integers(0, 3000), max_size=10))
def test_packets_come_out_as_they_went_in_however_they_are_cut(
    sent: list[bytes], cuts: list[int]
) -> None:
    assert read(b"".join(pages_of(sent)), cuts) == sent


@given(packets, st.lists(st.binary(max_size=60) | st.just(b"OggS\0\0"), min_size=6, max_size=6))
def test_what_lies_between_pages_is_skipped(sent: list[bytes], garbage: list[bytes]) -> None:
    pages = pages_of(sent)
    mixed = b"".join(rest + page for rest, page in zip(garbage, pages, strict=False))
    assert read(mixed) == sent


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=3, max_size=5), st.data())
def test_a_flipped_bit_costs_its_own_page_alone(sent: list[bytes], data: st.DataObject) -> None:
    pages = [bytearray(page) for page in pages_of(sent)]
    victim = data.draw(st.integers(1, len(pages) - 2))
    bit = data.draw(st.integers(0, 8 * len(pages[victim]) - 1))
    pages[victim][bit // 8] ^= 1 << bit % 8
    assert read(b"".join(pages)) == sent[:victim] + sent[victim + 1 :]


@given(st.lists(st.binary(max_size=4000), max_size=30))
def test_any_bytes_are_packets_or_garbage_and_nothing_piles_up(pieces: list[bytes]) -> None:
    reader = OggReader()
    for piece in pieces:
        reader.push(piece)
    assert len(reader._buffer) < 70_000
    assert reader.garbage_bytes <= sum(map(len, pieces))


def test_garbage_is_counted_until_a_page_comes() -> None:
    reader = OggReader()
    reader.push(bytes(1000))
    assert 990 <= reader.garbage_bytes <= 1000
    assert reader.push(pages_of([b"sound"])[0]) == [b"sound"]
    assert reader.garbage_bytes == 0


def test_a_page_that_never_ends_holds_up_no_page_behind_it() -> None:
    endless = b"OggS\0" + bytes(21) + b"\xff" + b"\xff" * 255
    assert read(endless + b"".join(pages_of([b"one", b"two"]))) == [b"one", b"two"]


def page(kind: int, sequence: int, lacing: bytes, body: bytes, serial: int = 7) -> bytes:
    """As another writer makes it."""
    header = struct.pack("<4sBBqIIIB", b"OggS", 0, kind, 0, serial, sequence, 0, len(lacing))
    whole = bytearray(header + lacing + body)
    struct.pack_into("<I", whole, 22, checksum(bytes(whole)))
    return bytes(whole)


def test_a_packet_may_go_on_on_the_next_page() -> None:
    first = page(2, 0, b"\x01\xff", b"a" + b"b" * 255)
    second = page(1, 1, b"\x02\x01", b"bbc")
    assert read(first + second) == [b"a", b"b" * 257, b"c"]


def test_a_packet_whose_beginning_was_lost_is_thrown_away() -> None:
    first = page(2, 0, b"\x01\xff", b"a" + b"b" * 255)
    third = page(1, 2, b"\x02\x01", b"bbc")
    assert read(first + third) == [b"a", b"c"]


def test_pages_of_another_stream_are_passed_over() -> None:
    ours, others = pages_of([b"one", b"two"]), page(0, 0, b"\x01", b"x", serial=8)
    assert read(ours[0] + others + ours[1]) == [b"one", b"two"]


def test_a_new_stream_takes_over() -> None:
    assert read(b"".join(pages_of([b"one"]) + pages_of([b"new"], serial=8))) == [b"one", b"new"]
