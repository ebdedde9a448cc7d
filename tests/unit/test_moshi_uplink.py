"""The caller's sound goes to Moshi at the pace of the clock, whatever the microphone does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.moshi.opus import PIECE_BYTES
from livekit.plugins.moshi.uplink import PIECE_S, Uplink

SILENCE = bytes(PIECE_BYTES)
LOUD = b"\x00\x40" * (PIECE_BYTES // 2)


def loud(count: int = 1, value: int = 1) -> bytes:
    return bytes([value]) * (count * PIECE_BYTES)


def test_a_microphone_in_time_is_passed_on_at_once() -> None:
    uplink = Uplink(begun_s=10.0)
    for number in range(1, 200):
        uplink.push(loud(value=number % 250))
        assert uplink.due(10.0 + number * PIECE_S) == [loud(value=number % 250)]
    assert uplink.dropped == 0


def test_halves_of_a_piece_wait_for_each_other() -> None:
    uplink = Uplink(begun_s=0.0)
    uplink.push(loud()[: PIECE_BYTES // 2])
    assert uplink.due(0.01) == []
    uplink.push(loud()[PIECE_BYTES // 2 :])
    assert uplink.due(0.02) == [loud()]


def test_a_microphone_that_is_off_is_silence_so_that_the_model_can_go_on() -> None:
    uplink = Uplink(begun_s=0.0)
    pieces = [piece for tick in range(100) for piece in uplink.due(tick * PIECE_S)]
    assert set(pieces) == {SILENCE}
    assert 95 <= len(pieces) <= 100


def test_frames_that_are_sixty_milliseconds_late_are_not_filled_up() -> None:
    uplink = Uplink(begun_s=0.0)
    assert [uplink.due(tick * PIECE_S) for tick in range(4)] == [[]] * 4
    uplink.push(loud(4))
    assert uplink.due(4 * PIECE_S) == [loud()] * 4


def test_a_heap_after_a_filled_gap_does_not_make_the_call_lag() -> None:
    uplink = Uplink(begun_s=0.0)
    filled = [piece for tick in range(51) for piece in uplink.due(tick * PIECE_S)]
    uplink.push(loud(50))
    late = uplink.due(51 * PIECE_S)
    assert len(filled) + len(late) <= 53
    assert uplink.dropped >= 40
    uplink.push(loud(value=2))
    assert len(uplink.due(52 * PIECE_S)) == 1


def test_a_loop_that_was_held_up_loses_no_word() -> None:
    uplink = Uplink(begun_s=0.0)
    uplink.push(loud())
    assert uplink.due(PIECE_S) == [loud()]
    assert uplink.due(1.0) == []
    said = []
    for value in range(2, 50):  # each frame wakes who sends
        uplink.push(loud(value=value))
        said += uplink.due(1.0)
    assert said == [loud(value=value) for value in range(2, 50)]
    assert uplink.dropped == 0


@given(
    st.lists(
        st.tuples(st.floats(0.001, 0.5), st.integers(0, 3 * PIECE_BYTES).map(lambda n: n // 2 * 2)),
        max_size=60,
    )
)
def test_the_model_is_never_ahead_of_the_clock_and_little_waits(
    events: list[tuple[float, int]],
) -> None:
    uplink, now_s, count = Uplink(begun_s=0.0), 0.0, 0
    for wait_s, length in events:
        now_s += wait_s
        uplink.push(bytes(length))
        count += len(uplink.due(now_s))
        assert uplink.sent == count
        assert uplink.sent_s <= now_s + 2 * PIECE_S
        assert len(uplink._waiting) <= 4 * PIECE_BYTES


def told(count: int, *, made_s: float) -> tuple[Uplink, list[bytes]]:
    """A line at whose beginning so many pieces are told, and what goes out at once."""
    uplink = Uplink(begun_s=0.0)
    uplink.tell(LOUD * count)
    uplink.made_s = made_s
    return uplink, uplink.due(0.0)


def test_what_was_said_before_goes_out_at_once_and_the_rest_at_its_pace() -> None:
    uplink, first = told(100, made_s=0.0)
    assert first == [LOUD] * 100
    uplink.made_s = uplink.sent_s
    for number in range(1, 100):
        uplink.push(SILENCE)
        assert uplink.due(number * PIECE_S) == [SILENCE]
        uplink.made_s = uplink.sent_s
    assert uplink.dropped == 0


def test_a_model_that_is_behind_is_spared_the_quiet_until_it_has_caught_up() -> None:
    uplink, _ = told(100, made_s=0.0)
    sent = []
    for number in range(1, 300):
        uplink.made_s = min(uplink.sent_s, 1.25 * number * PIECE_S)  # somewhat quicker than speech
        uplink.push(SILENCE)
        sent += uplink.due(number * PIECE_S)
    assert 0 < 299 - len(sent) <= 100
    assert uplink.sent_s - uplink.made_s <= 0.6
    spared = len(sent)
    for number in range(300, 400):
        uplink.made_s = uplink.sent_s
        uplink.push(SILENCE)
        sent += uplink.due(number * PIECE_S)
    assert len(sent) - spared == 100


def test_a_model_that_is_behind_hears_every_word_all_the_same() -> None:
    uplink, _ = told(100, made_s=0.0)
    for number in range(1, 100):
        uplink.push(LOUD)
        assert uplink.due(number * PIECE_S) == [LOUD]


def test_no_more_is_left_out_than_it_was_told() -> None:
    uplink, _ = told(50, made_s=0.0)
    sent = 0
    for number in range(1, 500):
        uplink.push(SILENCE)
        sent += len(uplink.due(number * PIECE_S))
    assert sent == 499 - 50


def test_a_microphone_that_is_off_spares_it_too() -> None:
    uplink, first = told(100, made_s=0.0)
    pieces = [piece for tick in range(1, 400) for piece in uplink.due(tick * PIECE_S)]
    assert set(pieces) == {SILENCE}
    assert 290 <= len(pieces) <= 300


def test_nothing_is_left_out_where_nothing_was_told() -> None:
    uplink = Uplink(begun_s=0.0)
    for number in range(1, 200):
        uplink.push(SILENCE)
        assert uplink.due(number * PIECE_S) == [SILENCE]
