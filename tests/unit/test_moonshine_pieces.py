"""Where Moonshine's pieces of speech begin and end: windows of 32 ms with made-up scores."""

from __future__ import annotations

import pytest
from livekit.plugins.moonshine.pieces import END_S, LONG_S, LONGEST_S, PAUSE_S, Piece, Pieces

WINDOW_S = 0.032


def windows(duration_s: float) -> int:
    return round(duration_s / WINDOW_S)


class Listening:
    """Pieces, fed with numbered windows."""

    def __init__(self) -> None:
        self.pieces = Pieces(WINDOW_S)
        self.count = 0

    def hear(self, duration_s: float, probability: float) -> None:
        for _ in range(windows(duration_s)):
            self.pieces.push(self.count.to_bytes(4, "big"), probability)
            self.count += 1

    def speech(self, duration_s: float) -> None:
        self.hear(duration_s, 0.9)

    def silence(self, duration_s: float) -> None:
        self.hear(duration_s, 0.05)

    @property
    def all(self) -> list[Piece]:
        return list(self.pieces.waiting)


@pytest.fixture
def listening() -> Listening:
    return Listening()


def numbers(piece: Piece) -> list[int]:
    return [int.from_bytes(window, "big") for window in piece.unheard]


def test_silence_is_no_piece_and_is_not_kept(listening: Listening) -> None:
    listening.silence(60.0)
    assert listening.all == []
    listening.speech(0.5)
    assert len(listening.all[0].unheard) < windows(1.0)


def test_a_click_is_no_piece(listening: Listening) -> None:
    listening.silence(1.0)
    listening.hear(WINDOW_S, 0.9)
    listening.silence(1.0)
    assert listening.all == []


def test_a_piece_has_the_sound_before_speech_was_noticed(listening: Listening) -> None:
    listening.silence(1.0)
    begin = listening.count
    listening.speech(0.5)
    (piece,) = listening.all
    assert numbers(piece) == list(range(numbers(piece)[0], listening.count))
    assert begin - numbers(piece)[0] >= windows(0.2)
    assert piece.start_s == pytest.approx(begin * WINDOW_S, abs=0.01)


def test_a_pause_goes_into_the_piece_and_a_long_silence_ends_it(listening: Listening) -> None:
    listening.speech(0.5)
    listening.silence(0.4)
    listening.speech(0.5)
    listening.silence(END_S + 0.1)
    (piece,) = listening.all
    assert piece.is_over
    assert piece.end_s == pytest.approx(1.4, abs=0.04)
    assert listening.pieces.open is None


def test_what_comes_after_is_another_piece(listening: Listening) -> None:
    for _ in range(3):
        listening.speech(0.5)
        listening.silence(1.0)
    assert len(listening.all) == 3
    heard = [number for piece in listening.all for number in numbers(piece)]
    assert heard == sorted(set(heard)), "a window is in two pieces, or out of order"


def test_a_long_piece_ends_at_the_next_pause(listening: Listening) -> None:
    listening.speech(LONG_S + 1.0)
    assert listening.pieces.open is not None
    listening.silence(PAUSE_S + WINDOW_S)
    assert listening.pieces.open is None
    listening.speech(1.0)
    assert len(listening.all) == 2


def test_endless_speech_is_cut_without_losing_a_window(listening: Listening) -> None:
    listening.speech(3 * LONGEST_S)
    pieces = listening.all
    assert len(pieces) >= 3
    assert all(len(piece.unheard) * WINDOW_S <= LONGEST_S + 0.5 for piece in pieces)
    heard = [number for piece in pieces for number in numbers(piece)]
    assert heard == list(range(listening.count))


def test_ended_from_outside_the_rest_of_the_word_is_another_piece(listening: Listening) -> None:
    listening.speech(1.0)
    listening.pieces.end()
    boundary = listening.count
    listening.speech(1.0)
    first, second = listening.all
    assert first.is_over and not second.is_over
    assert numbers(first)[-1] == boundary - 1
    assert numbers(second)[0] == boundary, "sound is heard twice"


def test_silence_is_no_news(listening: Listening) -> None:
    listening.speech(0.5)
    (piece,) = listening.all
    piece.has_news = False
    listening.silence(0.3)
    assert not piece.has_news
    listening.speech(0.1)
    assert piece.has_news
