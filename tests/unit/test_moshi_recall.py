"""What the caller has said lately, for a conversation that begins in the midst of it."""

from __future__ import annotations

from livekit.plugins.moshi.opus import PIECE_BYTES
from livekit.plugins.moshi.recall import LONGEST_S, Recall

LOUD = b"\x00\x40" * (PIECE_BYTES // 2)
QUIET = bytes(PIECE_BYTES)
SECOND = 50
"""Pieces."""


def heard(*pieces: bytes) -> Recall:
    recall = Recall()
    for piece in pieces:
        recall.heard(piece)
    return recall


def test_only_as_much_is_told_as_was_asked_for() -> None:
    recall = heard(*[LOUD] * SECOND)
    assert recall.newest(0.4) == LOUD * 20
    assert recall.newest(0.0) == b""
    assert recall.newest(5.0) == LOUD * SECOND


def test_the_quiet_at_the_end_is_left_out_but_for_a_tail() -> None:
    recall = heard(*[LOUD] * 10, *[QUIET] * SECOND)
    assert recall.newest(2.0) == LOUD * 10 + QUIET * 15


def test_quiet_alone_is_nothing() -> None:
    assert heard(*[QUIET] * SECOND).newest(1.0) == b""


def test_a_pause_in_the_midst_stays() -> None:
    pieces = [LOUD, *[QUIET] * 30, LOUD]
    assert heard(*pieces).newest(1.0) == b"".join(pieces)


def test_a_turn_without_end_is_cut_off_at_its_beginning() -> None:
    recall = heard(*[LOUD] * (20 * SECOND))
    assert len(recall.newest(60.0)) == LONGEST_S * SECOND * PIECE_BYTES


def test_parts_of_pieces_are_no_matter() -> None:
    recall = heard(LOUD[:100], LOUD, LOUD[:-100])
    assert recall.newest(1.0) == LOUD * 2
