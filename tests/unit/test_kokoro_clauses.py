"""How Kokoro's text is cut: a short beginning, longer pieces after it, nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.kokoro.clauses import clauses, halves

STORY = (
    "Well, I looked that up for you. The shop opens at nine, and it closes at six in the evening."
    " On Saturdays it is open until noon, but you should call before you go there, because they"
    " are sometimes away. Shall I give you the number? It is in the city, not far from the station."
)


def cut(text: str, first_chars: int = 20, max_chars: int = 160) -> list[str]:
    return list(clauses(text, first_chars=first_chars, max_chars=max_chars))


def test_the_first_piece_is_short_and_each_next_one_at_most_twice_what_was_spoken() -> None:
    pieces = cut(STORY)
    assert pieces[0] == "Well, I looked that up for you. "
    spoken = len(pieces[0])
    for piece in pieces[1:]:
        assert len(piece) <= max(2 * spoken, 40) + 1
        spoken += len(piece)
    assert len(pieces) >= 4


def test_a_smaller_beginning_is_spoken_sooner() -> None:
    assert cut(STORY, first_chars=4)[0] == "Well, "


def test_no_piece_is_longer_than_the_limit_allows() -> None:
    assert max(len(piece) for piece in cut(STORY * 5, max_chars=60)) <= 61


@given(
    st.text(alphabet="ab .,!?\n…5$", max_size=400),
    st.integers(1, 40),
    st.integers(40, 200),
)
def test_nothing_is_lost(text: str, first_chars: int, max_chars: int) -> None:
    pieces = cut(text, first_chars, max_chars)
    assert "".join(pieces).rstrip() == text.rstrip()
    assert all(len(piece) <= 2 * max_chars for piece in pieces)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("one two threefold", ("one two ", "threefold")),
        ("onetwothree", ("onetw", "othree")),
        ("ab", ("a", "b")),
        ("a bcdefghijkl", ("a ", "bcdefghijkl")),
    ],
)
def test_halves_meet_at_a_blank(text: str, parts: tuple[str, str]) -> None:
    assert halves(text) == parts


@given(st.text(min_size=2, max_size=50))
def test_halves_are_the_text_and_none_is_empty(text: str) -> None:
    left, right = halves(text)
    assert left + right == text
    assert left
    assert right
