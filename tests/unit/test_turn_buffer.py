"""The audio of a turn: speech, a little quiet, cut where nothing is lost."""

from __future__ import annotations

import math

import numpy as np
import pytest
from livekit.plugins.speechcore.gate import WINDOW_S, SpeechGate
from livekit.plugins.speechcore.turn_buffer import Piece, TurnBuffer

from tests.fakes.audio import BED_DBFS, noise, speech_like

RATE_HZ = 16_000
WINDOW_BYTES = round(WINDOW_S * RATE_HZ) * 2


def fill(buffer: TurnBuffer, pcm: bytes, gate: SpeechGate | None = None) -> list[Piece]:
    """Pushes what the gate says of each window; returns the pieces that were taken out."""
    gate = gate or SpeechGate()
    pieces = []
    for start in range(0, len(pcm), WINDOW_BYTES):
        window = pcm[start : start + WINDOW_BYTES]
        is_open = gate.process(window)
        if piece := buffer.push(window, is_open=is_open, is_loud=gate.is_loud):
            pieces.append(piece)
    return pieces


def spoken(total_s: float, *spans: tuple[float, float]) -> bytes:
    return speech_like(total_s, spans, RATE_HZ)


def seconds(piece: Piece) -> float:
    return len(piece.pcm) / 2 / RATE_HZ


def test_quiet_is_not_kept() -> None:
    buffer = TurnBuffer(longest_s=10.0)
    fill(buffer, noise(5.0, BED_DBFS, RATE_HZ))
    assert len(buffer) == 0
    assert seconds(buffer.piece()) == 0


def test_speech_is_kept_with_a_little_quiet_around_it() -> None:
    buffer = TurnBuffer(longest_s=10.0)
    pcm = spoken(6.0, (2.0, 3.0))
    fill(buffer, pcm)
    piece = buffer.piece()
    assert seconds(piece) == pytest.approx(0.3 + 1.0 + 0.12, abs=0.1)
    assert piece.loud_s == pytest.approx(1.0, abs=0.06)
    assert piece.stream_s(0.0) == pytest.approx(1.7, abs=0.08)
    start = piece.windows[0] * WINDOW_BYTES
    assert pcm[start : start + len(piece.pcm)] == piece.pcm, "audio was changed"


def test_a_piece_is_the_same_however_long_the_pause_after_it() -> None:
    buffer = TurnBuffer(longest_s=10.0)
    gate = SpeechGate()
    fill(buffer, spoken(2.3, (1.0, 2.0)), gate)
    piece = buffer.piece()
    for _ in range(5):
        fill(buffer, noise(0.1, BED_DBFS, RATE_HZ), gate)
        assert buffer.piece() == piece


def test_a_long_pause_is_shortened_and_times_are_those_of_the_stream() -> None:
    buffer = TurnBuffer(longest_s=10.0)
    fill(buffer, spoken(8.0, (1.0, 2.0), (6.0, 7.0)))
    piece = buffer.piece()
    assert seconds(piece) == pytest.approx(2 * 1.72 - 0.3, abs=0.2)
    loud = np.abs(piece.samples()) > 0.05
    onsets = [
        place / RATE_HZ
        for place in np.flatnonzero(loud)
        if not loud[max(0, place - RATE_HZ // 4) : place].any()
    ]
    assert [piece.stream_s(onset) for onset in onsets] == pytest.approx([1.0, 6.0], abs=0.03)


def test_an_end_at_left_out_quiet_stays_before_it() -> None:
    piece = Piece(b"\0" * 4 * WINDOW_BYTES, (10, 11, 50, 51), (True,) * 4, math.inf, False)
    assert piece.stream_s(0.04) == 1.0
    assert piece.stream_s(0.04, is_end=True) == 0.24
    assert piece.stream_s(0.05) == 1.01
    assert piece.stream_s(9.0, is_end=True) > 1.0, "times after the end are not refused"


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected_s"),
    [
        (0.0, 0.6, (0.2, 0.4)),  # the quiet around it is not the word's
        (0.14, 0.44, (0.14, 0.44)),  # so little may be a soft sound of it
        (0.0, 0.3, (0.2, 0.3)),
        (0.3, 9.0, (0.3, 0.4)),
        (0.5, 0.6, (0.5, 0.6)),  # a word without any sound stays where it was put
    ],
)
def test_a_word_is_where_it_sounds(
    start_s: float, end_s: float, expected_s: tuple[float, float]
) -> None:
    loud = (False,) * 10 + (True,) * 10 + (False,) * 10
    piece = Piece(b"", tuple(range(30)), loud, math.inf, False)
    assert piece.sounding(start_s, end_s) == pytest.approx(expected_s)


def test_a_full_buffer_is_cut_in_its_longest_pause() -> None:
    buffer = TurnBuffer(longest_s=10.0)
    pcm = spoken(13.0, (0.5, 3.0), (3.3, 7.0), (7.6, 9.0), (9.2, 13.0))
    (older,) = fill(buffer, pcm)
    newer = buffer.piece()
    assert older.words_until_s == math.inf
    assert not newer.is_overlapping
    assert 7.0 < older.stream_s(seconds(older), is_end=True) < 7.6
    assert newer.windows[0] == older.windows[-1] + 1, "audio between the pieces was lost"


def test_speech_without_a_pause_is_cut_where_it_is_quietest_and_both_sides_hear_the_cut() -> None:
    buffer = TurnBuffer(longest_s=10.0)
    gaps_s = [(0.5 + n * 0.6, 0.1 if n == 13 else 0.06) for n in range(1, 19)]
    starts = [0.5, *(start + length for start, length in gaps_s)]
    ends = [*(start for start, _ in gaps_s), 11.9]
    (older,) = fill(buffer, spoken(11.9, *zip(starts, ends, strict=True)))
    newer = buffer.piece()
    assert older.words_until_s == pytest.approx(8.35, abs=0.04)
    assert newer.is_overlapping
    shared = set(older.windows) & set(newer.windows)
    assert len(shared) * WINDOW_S == pytest.approx(1.0)
    assert min(shared) * WINDOW_S < older.words_until_s < max(shared) * WINDOW_S


def test_it_stays_bounded_however_long_somebody_speaks() -> None:
    buffer = TurnBuffer(longest_s=10.0)
    spans = [(n * 1.0, n * 1.0 + 0.93) for n in range(120)]
    pieces = fill(buffer, speech_like(120.0, spans, RATE_HZ))
    assert len(pieces) >= 10
    assert max(map(seconds, [*pieces, buffer.piece()])) <= 10.6
    heard = {window for piece in [*pieces, buffer.piece()] for window in piece.windows}
    assert heard >= set(range(min(heard), max(heard) + 1)), "audio was lost at a cut"


def test_what_is_forgotten_is_gone_and_the_next_word_has_its_quiet_before_it() -> None:
    buffer = TurnBuffer(longest_s=10.0)
    gate = SpeechGate()
    fill(buffer, spoken(3.0, (1.0, 2.0)), gate)
    buffer.forget()
    assert len(buffer) == 0
    fill(buffer, spoken(2.0, (0.5, 1.0)), gate)
    assert buffer.piece().stream_s(0.0) == pytest.approx(3.2, abs=0.08)


def test_a_piece_may_start_later() -> None:
    buffer = TurnBuffer(longest_s=10.0)
    fill(buffer, spoken(3.0, (1.0, 2.0)))
    whole, rest = buffer.piece(), buffer.piece(20)
    assert rest.pcm == whole.pcm[20 * WINDOW_BYTES :]
    assert rest.windows == whole.windows[20:]
