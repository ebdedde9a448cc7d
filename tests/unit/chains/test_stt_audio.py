"""The audio of a turn is kept until it is final, and it is known where somebody spoke in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from livekit.plugins.chains.stt_audio import TurnAudio

from tests.fakes.coded_stt import GAP_S, RATE_HZ, WORD_S, quiet, spoken

WORD_AND_GAP_S = WORD_S + GAP_S


def audio_of(*parts: bytes, longest_s: float = 30.0) -> TurnAudio:
    audio = TurnAudio(longest_s=longest_s)
    for part in parts:
        audio.push(part, RATE_HZ)
    return audio


def test_what_was_pushed_comes_back_from_any_place_on() -> None:
    pcm = quiet(0.5) + spoken([1, 2])
    audio = audio_of(pcm)
    assert b"".join(audio.pieces(0.0)) == pcm
    assert b"".join(audio.pieces(0.5)) == spoken([1, 2])
    assert b"".join(audio.pieces(0.5, 0.6)) == pcm[8_000 : 8_000 + 1_600]
    assert all(len(piece) <= 1_600 for piece in audio.pieces(0.0))


def test_final_audio_is_forgotten_and_places_stay_the_same() -> None:
    audio = audio_of(quiet(0.5), spoken([1]), quiet(0.3), spoken([2]))
    audio.settle(0.9)
    audio.settle(0.2)
    assert audio.final_s == audio.start_s == 0.9
    assert audio.end_s == pytest.approx(0.8 + 2 * WORD_AND_GAP_S)
    assert b"".join(audio.pieces(0.9)) == (quiet(0.3) + spoken([2]))[-round(0.58 * 16_000) :]


def test_no_more_is_kept_than_allowed() -> None:
    audio = audio_of(*[quiet(1.0)] * 5, spoken([1]), longest_s=2.0)
    assert audio.end_s - audio.start_s == pytest.approx(2.0)
    assert audio.speech_s() == pytest.approx(WORD_S, abs=0.03)
    audio = audio_of(spoken([1]), *[quiet(1.0)] * 5, longest_s=2.0)
    assert audio.speech_s() == 0.0


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 44_100, 48_000])
def test_places_are_exact_at_every_rate(rate_hz: int) -> None:
    audio = TurnAudio()
    for _ in range(600):
        audio.push(bytes(2 * round(rate_hz / 100)), rate_hz)
    loud = (spoken([1])[: round(WORD_S * 16_000)] * 4)[: 2 * round(0.1 * rate_hz)]
    audio.push(loud, rate_hz)
    assert audio.last_loud_s() == pytest.approx(audio.end_s, abs=0.03)


def test_a_rate_that_changes_is_refused() -> None:
    audio = audio_of(quiet(0.1))
    with pytest.raises(ValueError, match="16000 Hz"):
        audio.push(quiet(0.1), 16_000)


def test_speech_is_told_from_quiet_wherever_one_asks() -> None:
    audio = audio_of(quiet(0.5), spoken([1]), quiet(0.5), spoken([2]), quiet(0.2))
    assert audio.speech_s() == pytest.approx(2 * WORD_S, abs=0.03)
    assert audio.speech_s(0.5) == 0.0
    assert audio.speech_s(from_s=1.3) == pytest.approx(WORD_S, abs=0.03)
    audio.settle(1.0)
    assert audio.speech_s() == pytest.approx(WORD_S, abs=0.03)
    assert audio_of(quiet(3.0)).speech_s() == 0.0


def test_a_newcomer_begins_shortly_before_the_first_sound_that_is_not_final() -> None:
    audio = audio_of(quiet(2.0), spoken([1]), quiet(0.5))
    assert audio.replay_from_s() == pytest.approx(1.62, abs=0.03)
    assert audio.replay_from_s(0.8) == pytest.approx(0.6)
    audio.settle(1.9)
    assert audio.replay_from_s() == 1.9
    audio.settle(2.5)
    audio.push(quiet(3.0), RATE_HZ)
    assert audio.replay_from_s() == pytest.approx(audio.end_s - 0.4)


def test_an_early_word_end_is_put_at_the_end_of_its_sound() -> None:
    audio = audio_of(quiet(0.5), spoken([1]), quiet(0.3), spoken([2]), quiet(0.3))
    assert audio.final_place_s(0.6) == pytest.approx(0.74, abs=0.03)
    assert not audio.has_more(0.6, 1.0)
    assert audio.has_more(0.6, audio.end_s)


def test_a_final_without_a_believable_end_is_about_what_was_said_before_the_newest_pause() -> None:
    audio = audio_of(quiet(0.5), spoken([1]), quiet(0.3), spoken([2]))
    for end_s in (None, 99.0, -1.0):
        assert audio.final_place_s(end_s) == pytest.approx(0.74, abs=0.03)
    assert audio_of(spoken([1])[: round(WORD_S * 16_000)]).final_place_s(None) == WORD_S


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 0.4), st.booleans()), max_size=12), st.floats(0.0, 5.0))
def test_what_is_final_and_what_is_not_add_up(
    parts: list[tuple[float, bool]], settled_s: float
) -> None:
    pcm = b"".join(spoken([1])[: round(s * RATE_HZ) * 2] if loud else quiet(s) for s, loud in parts)
    audio = audio_of(pcm, longest_s=2.0)
    audio.settle(settled_s)
    kept = b"".join(audio.pieces(audio.final_s))
    assert kept == pcm[len(pcm) - len(kept) :]
    assert len(kept) <= round(2.0 * RATE_HZ) * 2
    assert audio.end_s == pytest.approx(len(pcm) / 16_000)
    assert audio.start_s <= audio.replay_from_s() or audio.final_s > audio.end_s
